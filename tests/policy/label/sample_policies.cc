#include "tests/policy/label/sample_policies.h"

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "policy/label/decide.h"

namespace sallyport::policy::label::testing {
namespace {

Policy made(const std::string& name) {
  auto policy = Policy::make(loaded(name).spif);
  if (!policy) throw std::runtime_error(policy.error());
  return std::move(*policy);
}

}  // namespace

std::string text_of(const std::string& name) {
  std::ifstream in(data(name), std::ios::binary);
  if (!in) throw std::runtime_error("no file " + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

source::spif::Loaded loaded(const std::string& name) {
  auto found = source::spif::load(text_of("policies/" + name), name);
  if (found) return std::move(*found);
  std::string all;
  for (const auto& mistake : found.error()) all += inspect::describe(mistake);
  throw std::runtime_error(all);
}

const Policy& acme() {
  static const Policy kPolicy = made("acme-spif.xml");
  return kPolicy;
}

const Policy& nordia() {
  static const Policy kPolicy = made("nordia-spif.xml");
  return kPolicy;
}

const Lexicon& sample_lexicon(NameCase names) {
  static const std::array<const Policy*, 2> kBoth = {&acme(), &nordia()};
  static const Lexicon kIgnore(kBoth, NameCase::Ignore);
  static const Lexicon kExact(kBoth, NameCase::Exact);
  return names == NameCase::Exact ? kExact : kIgnore;
}

const std::map<std::string, Label>& labels() {
  static const std::map<std::string, Label> kLabels = [] {
    std::map<std::string, Label> all;
    for (const auto& row : rows("labels-ess/labels.tsv")) all[row[0]] = label_of(row[3]);
    return all;
  }();
  return kLabels;
}

const std::map<std::string, Clearance>& clearances() {
  static const std::map<std::string, Clearance> kClearances = [] {
    std::map<std::string, Clearance> all;
    for (const auto& row : rows("clearances/clearances.tsv"))
      if (row[1] == "rfc5755") all[row[0]] = clearance_of(row[4]);
    return all;
  }();
  return kClearances;
}

std::string described(const Policy& policy, const Label& label) {
  Options lenient;
  lenient.outside_validity = Lenience::Ignore;
  const auto resolved = validate(policy, label, summer(), lenient);
  if (!resolved) return "ERROR " + resolved.error().text();
  std::string text = policy.class_at(resolved->classification).name;
  for (const CatNumber number : resolved->categories)
    text += " | " + policy.tag_at(policy.tag_of(number)).name + ":" + policy.category_at(number).name;
  return text;
}

Time summer() {
  return std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
}

}  // namespace sallyport::policy::label::testing
