#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

constexpr std::string_view kHead =
    "# The policy file\n\n"
    "Made from the table of keys in `policy/source/keys*.cc`; a test compares the two. "
    "`cmake --build build/release --target reference` writes it anew.\n\n"
    "The officer's file says which domains each enclave owns, and what may cross between them. It is TOML. What it "
    "does "
    "not name does not cross; an empty list is a mistake and never means \"all\"; unknown keys are mistakes. "
    "`sallyport policy check FILE` tells all mistakes at once; `sallyport policy compile FILE -o BUNDLE` makes the "
    "bundle, "
    "which is all that the guard reads.\n\n"
    "```toml\n"
    "[policy]\n"
    "name = \"demo\"\n\n"
    "[stages]\n"
    "off = [\"label\", \"presence\"]\n\n"
    "[enclave.north]\n"
    "[[enclave.north.domain]]\n"
    "name = \"north.test\"\n"
    "components = [\"rooms.north.test\"]\n\n"
    "[enclave.south]\n"
    "[[enclave.south.domain]]\n"
    "name = \"south.test\"\n"
    "components = [\"rooms.south.test\"]\n\n"
    "[[peering]]\n"
    "id = \"north-south\"\n"
    "from = [\"north.test\", \"rooms.north.test\"]\n"
    "to = [\"south.test\", \"rooms.south.test\"]\n"
    "direction = \"both\"\n"
    "stanzas = [\"message\", \"presence\", \"iq\"]\n"
    "```\n";

template <class T>
void add(std::string& page, const Section<T>& section) {
  page += "\n## " + section.title + "\n\n" + section.meaning +
          "\n\n| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const Key<T>& key : section.keys) {
    const std::string fallback = key.required ? "required" : key.fallback.empty() ? "none" : "`" + key.fallback + "`";
    page += "| `" + key.name + "` | " + key.type + " | " + fallback + " | " + key.meaning + " |\n";
  }
}

void add_switches(std::string& page) {
  page +=
      "\n## Profiles and switches\n\nWhat may cross besides text is named by switches; `payloads` of a peering takes a "
      "profile, which is a set of switches that are on, `allow` adds to it and `deny` takes away. Labels are judged by "
      "the label stage, whatever the switches say.\n\n| switch | lets cross |";
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastProfile); ++i)
    page += " " + std::string(name(static_cast<Profile>(i))) + " |";
  page += "\n|---|---|";
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastProfile); ++i) page += "---|";
  page += "\n";
  for (const SwitchRow& row : switch_rows()) {
    page += "| `" + std::string(row.name) + "` | " + std::string(row.text) + " |";
    for (unsigned i = 0; i <= static_cast<unsigned>(kLastProfile); ++i)
      page += (row.profiles >> i & 1U) != 0 ? " on |" : " |";
    page += "\n";
  }
}

/// The tables whose keys are the officer's own.
void add_sets(std::string& page) {
  page +=
      "\n## [domains], [users], [rooms]\n\nLists that rules name. Each key is a name of the officer's own.\n\n"
      "| table | what its lists hold |\n|---|---|\n";
  for (const Key<PolicyText>& key : file_section().keys)
    for (const std::string_view name : {"domains", "users", "rooms"})
      if (key.name == name) page += "| `[" + key.name + "]` | " + key.meaning + " |\n";
}

}  // namespace

std::string policy_reference() {
  std::string page(kHead);
  add(page, policy_section());
  add(page, stages_section());
  add(page, enclave_section());
  add(page, domain_section());
  add(page, peering_section());
  add_switches(page);
  add(page, login_section());
  add_sets(page);
  add(page, rule_section());
  add(page, window_section());
  add(page, label_match_section());
  add(page, peering_labels_section());
  add(page, enclave_labels_section());
  add(page, labels_section());
  add(page, label_policy_section());
  add(page, label_section());
  add(page, clearance_section());
  add(page, label_translation_section());
  add(page, label_holder_section());
  add(page, settings_section());
  add(page, limits_section());
  add(page, content_section());
  add(page, rate_section());
  return page;
}

}  // namespace sallyport::policy::source
