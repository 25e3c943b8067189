// write_shapes OUT FILE.shapes...: makes policy/payload/shapes.inc, the tables of payload shapes as constants. Run by
// the build. How the files are written: policy/payload/tables/README.md.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

struct Value {
  std::string type = "None";
  std::string least = "0", most = "0";
  std::vector<std::string> words;
};
struct Attribute {
  std::string ns, name;
  bool required = false;
  Value value;
};
struct Child {
  std::string key, least, most;  ///< key: {ns}name@variant
  std::string at;                ///< where it is written
};
struct Element {
  std::string ns, name, source, which = "kEnd", content = "Closed", rule = "None";
  std::vector<std::string> places;
  std::vector<Attribute> attributes;
  std::vector<Child> children;
  Value text;
  bool essential = false;
};

/// "chat-states" becomes ChatStates.
std::string pascal(const std::string& words) {
  std::string out;
  bool upper = true;
  for (const char c : words) {
    if (c == '-') {
      upper = true;
    } else {
      out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  return out;
}

class Tables {
 public:
  void read(const std::string& file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(file + ": cannot be read");
    std::string line;
    ns_.clear();
    source_.clear();
    which_ = "kEnd";
    open_.clear();
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      at_ = file + ":" + std::to_string(number);
      std::istringstream text(line);
      std::vector<std::string> words;
      for (std::string word; text >> word;) {
        if (word.starts_with('#')) break;
        words.push_back(word);
      }
      if (!words.empty()) take(words);
    }
  }

  void write(const std::string& file) {
    std::ofstream out(file);
    out << "// Made from policy/payload/tables by write_shapes.\n";
    std::map<std::string, std::size_t> numbers;
    for (const auto& [key, element] : elements_) numbers.emplace(key, numbers.size());
    std::size_t number = 0;
    for (const auto& [key, element] : elements_) write_parts(out, element, number++, numbers);
    out << "constexpr std::array<ElementShape, " << elements_.size() << "> kElements = {{\n";
    number = 0;
    for (const auto& [key, element] : elements_) write_element(out, element, number++);
    out << "}};\n";
    write_payloads(out);
    if (!out.flush()) throw std::runtime_error(file + ": cannot be written");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(at_ + ": " + what); }

  void take(const std::vector<std::string>& words) {
    const std::string& key = words[0];
    if (key == "xep" || key == "source") {
      source_ = key == "xep" ? "XEP-" + word(words, 1) : word(words, 1);
      which_ = "kEnd";
    } else if (key == "switch") {
      which_ = word(words, 1) == "none" ? "kEnd" : pascal(word(words, 1));
    } else if (key == "ns") {
      ns_ = word(words, 1);
    } else if (key == "element") {
      open_elements(words);
    } else if (open_.empty()) {
      fail("'" + key + "' stands in no element");
    } else {
      take_part(words);
    }
  }

  void open_elements(const std::vector<std::string>& words) {
    if (ns_.empty() || source_.empty()) fail("an element needs a namespace and a source");
    open_.clear();
    for (std::size_t i = 1; i < words.size(); ++i) {
      Element element{.ns = ns_,
                      .name = words[i].substr(0, words[i].find('@')),
                      .source = source_,
                      .which = which_,
                      .places = {},
                      .attributes = {},
                      .children = {},
                      .text = {}};
      const auto [at, is_new] = elements_.emplace(expand(words[i]), std::move(element));
      if (!is_new) fail("the element " + words[i] + " stands there twice");
      open_.push_back(&at->second);
    }
  }

  void take_part(const std::vector<std::string>& words) {
    static const std::set<std::string> kRules = {"own-account",  "own-server", "roster",    "from-service",
                                                 "with-service", "delay",      "stanza-id", "addresses",
                                                 "event",        "real-jid"};
    for (Element* element : open_) {
      if (words[0] == "in") {
        for (std::size_t i = 1; i < words.size(); ++i) element->places.push_back("k" + pascal(words[i]));
      } else if (words[0] == "attr") {
        element->attributes.push_back(attribute(words));
      } else if (words[0] == "child") {
        element->children.push_back(child(words));
      } else if (words[0] == "text") {
        element->text = value(words, 1);
      } else if (words[0] == "payloads" || words[0] == "stanza" || words[0] == "opaque") {
        element->content = pascal(words[0]);
      } else if (words[0] == "essential") {
        element->essential = true;
      } else if (words[0] == "rule" && kRules.contains(word(words, 1))) {
        element->rule = pascal(words[1]);
      } else {
        fail("'" + words[0] + "' is not understood");
      }
    }
  }

  const std::string& word(const std::vector<std::string>& words, std::size_t at) const {
    if (at >= words.size()) fail("something is missing at the end");
    return words[at];
  }

  std::string expand(const std::string& name) const { return name.starts_with('{') ? name : "{" + ns_ + "}" + name; }

  Attribute attribute(const std::vector<std::string>& words) const {
    Attribute made;
    made.name = word(words, 1);
    if (made.name.ends_with('!')) {
      made.required = true;
      made.name.pop_back();
    }
    if (made.name.starts_with('{')) {
      const std::size_t close = made.name.find('}');
      made.ns = made.name.substr(1, close - 1);
      made.name.erase(0, close + 1);
    }
    made.value = value(words, 2);
    return made;
  }

  Child child(const std::vector<std::string>& words) const {
    const std::string count = words.size() > 2 ? words[2] : "?";
    Child made{expand(word(words, 1)), "0", "1", at_};
    if (count == "1") {
      made.least = "1";
    } else if (count == "*" || count == "+") {
      made.least = count == "+" ? "1" : "0";
      made.most = "1000";
    } else if (const std::size_t dots = count.find(".."); dots != std::string::npos) {
      made.least = count.substr(0, dots);
      made.most = count.substr(dots + 2);
    } else if (count != "?") {
      fail("'" + count + "' is no number of children");
    }
    return made;
  }

  Value value(const std::vector<std::string>& words, std::size_t at) const {
    static const std::map<std::string, std::pair<std::string, std::string>> kTypes = {
        {"text", {"Text", "4096"}}, {"token", {"Token", "256"}},       {"id", {"Id", "256"}},
        {"jid", {"Jid", "3071"}},   {"bare-jid", {"BareJid", "3071"}}, {"date", {"Date", "40"}},
        {"bool", {"Boolean", "5"}}, {"base64", {"Base64", "65536"}},   {"hex", {"Hex", "128"}},
        {"uri", {"Uri", "2048"}},   {"lang", {"Language", "35"}}};
    Value made;
    const std::string& type = word(words, at);
    if (type == "int") {
      made.type = "Integer";
      made.least = word(words, at + 1);
      made.most = word(words, at + 2);
    } else if (type == "one") {
      made.type = "Word";
      made.words.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      if (made.words.empty()) fail("no words");
    } else if (const auto known = kTypes.find(type); known != kTypes.end()) {
      made.type = known->second.first;
      made.most = words.size() > at + 1 ? words[at + 1] : known->second.second;
    } else {
      fail("there is no type '" + type + "'");
    }
    return made;
  }

  static std::string quoted(const std::string& text) { return "\"" + text + "\""; }

  static void write_words(std::ostream& out, const std::string& name, const Value& value) {
    if (value.words.empty()) return;
    out << "constexpr std::array<std::string_view, " << value.words.size() << "> " << name << " = {";
    for (const std::string& each : value.words) out << quoted(each) << ", ";
    out << "};\n";
  }
  static std::string value_text(const std::string& words, const Value& value) {
    return "{ValueType::" + value.type + ", " + value.least + ", " + value.most + ", " +
           (value.words.empty() ? "{}" : words) + "}";
  }

  static void write_parts(std::ostream& out, const Element& element, std::size_t number,
                          const std::map<std::string, std::size_t>& numbers) {
    const std::string stem = std::to_string(number);
    for (std::size_t i = 0; i < element.attributes.size(); ++i)
      write_words(out, "kWords" + stem + "_" + std::to_string(i), element.attributes[i].value);
    write_words(out, "kWords" + stem, element.text);
    if (!element.attributes.empty()) {
      out << "constexpr std::array<AttributeShape, " << element.attributes.size() << "> kAttributes" << stem << " = {{";
      for (std::size_t i = 0; i < element.attributes.size(); ++i) {
        const Attribute& each = element.attributes[i];
        out << "{" << quoted(each.ns) << ", " << quoted(each.name) << ", " << (each.required ? "true" : "false") << ", "
            << value_text("kWords" + stem + "_" + std::to_string(i), each.value) << "}, ";
      }
      out << "}};\n";
    }
    if (element.children.empty()) return;
    if (element.children.size() > 64) throw std::runtime_error(element.name + " has too many children");
    out << "constexpr std::array<ChildShape, " << element.children.size() << "> kChildren" << stem << " = {{";
    for (const Child& each : element.children) {
      const auto known = numbers.find(each.key);
      if (known == numbers.end()) throw std::runtime_error(each.at + ": there is no element " + each.key);
      out << "{" << known->second << ", " << each.least << ", " << each.most << "}, ";
    }
    out << "}};\n";
  }

  static void write_element(std::ostream& out, const Element& element, std::size_t number) {
    const std::string stem = std::to_string(number);
    std::string places;
    for (const std::string& place : element.places) places += (places.empty() ? "" : " | ") + place;
    out << "    {" << quoted(element.ns) << ", " << quoted(element.name) << ", "
        << (element.attributes.empty() ? "{}" : "kAttributes" + stem) << ", "
        << (element.children.empty() ? "{}" : "kChildren" + stem) << ", " << value_text("kWords" + stem, element.text)
        << ", Content::" << element.content << ", Rule::" << element.rule << ", "
        << (places.empty() ? "kNowhere" : places) << ", " << (element.essential ? "true" : "false")
        << ", Switch::" << element.which << ", " << quoted(element.source) << "},\n";
  }

  /// Those that may stand somewhere, in the order of shapes.cc.
  void write_payloads(std::ostream& out) const {
    using Order = std::tuple<std::size_t, std::size_t, std::string, std::string>;
    std::map<Order, std::size_t> payloads;
    std::size_t number = 0;
    for (const auto& [key, element] : elements_) {
      if (!element.places.empty() &&
          !payloads.try_emplace(Order(element.ns.size(), element.name.size(), element.name, element.ns), number).second)
        throw std::runtime_error(key + " is a payload twice");
      ++number;
    }
    out << "constexpr std::array<std::uint16_t, " << payloads.size() << "> kPayloads = {";
    for (const auto& [order, index] : payloads) out << index << ", ";
    out << "};\n";
  }

  std::map<std::string, Element> elements_;  // by {ns}name@variant
  std::vector<Element*> open_;
  std::string ns_, source_, which_, at_;
};

}  // namespace

int main(int count, char** arguments) {
  try {
    Tables tables;
    for (int i = 2; i < count; ++i) tables.read(arguments[i]);
    tables.write(arguments[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
