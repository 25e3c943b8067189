// A recogniser of the grammar of protocol.md 5.7, written apart from the serializer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::inspect {

/// Says what in `xml` does not fit the grammar; "" if all does. Text may hold raw TAB and LF, as the grammar has it.
class CanonicalGrammar {
 public:
  static std::string fault_of(std::string_view xml) {
    CanonicalGrammar grammar(xml);
    if (!grammar.element(true) && grammar.fault_.empty()) grammar.fault_ = "no element";
    if (grammar.fault_.empty() && grammar.at_ != xml.size()) grammar.fault_ = "something after the element";
    for (const std::string_view never : {"<!", "<?", "]]>"})
      if (xml.find(never) != std::string_view::npos) grammar.fault_ = "contains " + std::string(never);
    for (const char c : xml)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7F)
        grammar.fault_ = "a control character";
    return grammar.fault_;
  }

 private:
  explicit CanonicalGrammar(std::string_view xml) : xml_(xml) {}

  bool no(const char* what) {
    if (fault_.empty()) fault_ = std::string(what) + " at " + std::to_string(at_);
    return false;
  }
  bool take(std::string_view wanted) {
    if (!xml_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  std::string name() {
    const std::size_t start = at_;
    while (at_ < xml_.size()) {
      const char c = xml_[at_];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      const bool other = (c >= '0' && c <= '9') || c == '.' || c == '-';
      if (!letter && !(other && at_ > start)) break;
      ++at_;
    }
    if (at_ == start) no("no name");
    return std::string(xml_.substr(start, at_ - start));
  }
  bool escape(std::string_view also) {
    for (const std::string_view known : {"&amp;", "&lt;", "&gt;", "&#13;"})
      if (take(known)) return true;
    while (!also.empty()) {
      const std::string_view one = also.substr(0, also.find(' '));
      if (take(one)) return true;
      also.remove_prefix(std::min(also.size(), one.size() + 1));
    }
    return no("an odd escape");
  }
  bool value(std::string& read) {
    if (!take("='")) return no("no value");
    const std::size_t start = at_;
    while (at_ < xml_.size() && xml_[at_] != '\'') {
      const char c = xml_[at_];
      if (c == '&') {
        if (!escape("&apos; &quot; &#9; &#10;")) return false;
      } else if (c == '<' || c == '>' || c == '"' || static_cast<unsigned char>(c) < 0x20) {
        return no("a raw character in a value");
      } else {
        ++at_;
      }
    }
    read = xml_.substr(start, at_ - start);
    return take("'") || no("no end of a value");
  }
  bool attributes() {
    std::string last_plain, last_prefixed, ns_of_prefix;
    int stage = 0;  // xmlns, plain, xml:lang and prefixed by namespace
    int prefixes = 0;
    while (take(" ")) {
      const std::string prefix_or_name = name();
      std::string read;
      if (!fault_.empty()) return false;
      if (take(":")) {
        const std::string local = name();
        const std::string prefix = "n" + std::to_string(prefixes - 1);
        if (!value(read)) return false;
        if (prefix_or_name == "xmlns") {
          if (local != "n" + std::to_string(prefixes)) return no("a prefix out of turn");
          if (prefixes > 0 && !(ns_of_prefix < read)) return no("namespaces out of order");
          ++prefixes;
          ns_of_prefix = read;
          last_prefixed.clear();
        } else if (prefix_or_name == "xml") {
          if (local != "lang") return no("an xml attribute");
        } else {
          if (prefix_or_name != prefix) return no("an odd prefix");
          if (!(last_prefixed < local)) return no("attributes out of order");
          last_prefixed = local;
        }
        stage = 2;
        continue;
      }
      if (!value(read)) return false;
      if (prefix_or_name == "xmlns") {
        if (stage != 0 || read.empty()) return no("xmlns out of place");
        stage = 1;
        continue;
      }
      if (stage == 2 || !(last_plain < prefix_or_name)) return no("attributes out of order");
      last_plain = prefix_or_name;
      stage = 1;
    }
    return true;
  }
  bool element(bool first_level) {
    if (!take("<")) return false;
    std::string full;
    if (first_level && take("stream:")) full = "stream:";
    if (first_level && full.empty() && take("db:")) full = "db:";
    full += name();
    if (!fault_.empty() || !attributes()) return false;
    if (take("/>")) return true;
    if (!take(">")) return no("no end of a tag");
    bool empty = true;
    while (at_ < xml_.size() && !xml_.substr(at_).starts_with("</")) {
      empty = false;
      const char c = xml_[at_];
      if (c == '<') {
        if (!element(false)) return no("no element");
      } else if (c == '&') {
        if (!escape("")) return false;
      } else if (c == '>') {
        return no("a raw >");
      } else {
        ++at_;
      }
    }
    if (empty) return no("an empty element with two tags");
    return take("</" + full + ">") || no("another end tag");
  }

  std::string_view xml_;
  std::size_t at_ = 0;
  std::string fault_;
};

}  // namespace sallyport::inspect
