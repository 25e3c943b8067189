#include "proxy/main/commands/label_policies.h"

#include <utility>

#include "policy/source/spif/spif.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace spif = policy::source::spif;

std::string all_of(const std::vector<inspect::Mistake>& mistakes) {
  std::string text;
  for (const inspect::Mistake& mistake : mistakes) text += inspect::describe(mistake);
  return text;
}

std::vector<spif::Loaded> load_spifs(const std::vector<std::filesystem::path>& files, bool lenient_order) {
  std::vector<spif::Loaded> all;
  for (const auto& file : files) {
    auto loaded = spif::load(read_file_or_end(file), file.string(), {.lenient_order = lenient_order});
    if (!loaded) end_command(1, all_of(loaded.error()));
    all.push_back(std::move(*loaded));
  }
  return all;
}

/// Each equivalence leads to something that the other SPIF has.
void check_leads_or_end(const std::vector<spif::Loaded>& files) {
  std::string mistakes;
  for (const spif::Loaded& other : files) {
    const auto target = policy::label::Policy::make(other.spif);
    for (const spif::Loaded& file : files)
      if (&file != &other && target) mistakes += all_of(spif::check_leads(file, *target));
  }
  if (!mistakes.empty()) end_command(1, mistakes);
}

}  // namespace

LabelPolicies::LabelPolicies(const std::vector<std::filesystem::path>& paths, bool lenient_order) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : paths) {
    if (path.extension() == ".xml") {
      files.push_back(path);
    } else if (bundle_) {
      end_command(2, path.string() + ": a second policy; name one, and SPIF files (*.xml) beside it");
    } else {
      bundle_ = load_policy_or_end(path);
    }
  }
  policy::LabelTables tables = bundle_ ? bundle_->tables().labels : policy::LabelTables();
  const auto spifs = load_spifs(files, lenient_order);
  check_leads_or_end(spifs);
  for (const spif::Loaded& file : spifs)
    tables.policies.push_back(
        {.name = file.spif.name, .spif = file.spif, .options = {}, .place = policy::LabelPolicy{}.place, .lang = {}});
  if (!tables.policies.empty() && bundle_) tables.enclaves.resize(bundle_->tables().enclaves.size());
  auto rules = policy::LabelRules::make(tables, tables.enclaves.size());
  if (!rules) end_command(1, rules.error());
  rules_ = std::move(*rules);
}

std::uint16_t LabelPolicies::number_or_end(std::string_view name) const {
  const auto& rows = rules_->tables().policies;
  std::string known;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const policy::label::Spif& spif = rows[i].spif;
    if (rows[i].name == name || spif.name == name || spif.id.text() == name) return static_cast<std::uint16_t>(i);
    known += (known.empty() ? "" : ", ") + rows[i].name;
  }
  end_command(2, "there is no label policy '" + std::string(name) + "'" +
                     (known.empty() ? "; name its SPIF with --policy" : "; there are " + known));
}

std::uint16_t LabelPolicies::only_or_end(std::string_view option) const {
  const std::size_t count = rules_->tables().policies.size();
  if (count == 1) return 0;
  end_command(2, count == 0 ? "there is no label policy; name a SPIF, policy file or bundle with --policy"
                            : "there are several label policies; say which with " + std::string(option));
}

}  // namespace sallyport::commands
