// One document written down in the same way whoever read it, to compare parsers.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::inspect {

class Infoset {
 public:
  struct Attribute {
    std::string ns, name, value;
    auto operator<=>(const Attribute&) const = default;
  };

  void start(std::string_view ns, std::string_view name, std::vector<Attribute> attributes) {
    flush();
    written_ += "<{" + std::string(ns) + "}" + std::string(name);
    std::ranges::sort(attributes);
    for (const Attribute& each : attributes)
      written_ += " {" + each.ns + "}" + each.name + "=" + std::to_string(each.value.size()) + ":" + each.value;
    written_ += ">";
  }
  void text(std::string_view piece) { text_ += piece; }
  void end() {
    flush();
    written_ += "</>";
  }
  const std::string& written() const { return written_; }

 private:
  void flush() {
    if (!text_.empty()) written_ += "[" + std::to_string(text_.size()) + ":" + text_ + "]";
    text_.clear();
  }
  std::string written_, text_;
};

/// nullopt if the parser refuses the document.
std::optional<std::string> expat_reads(std::string_view document);
std::optional<std::string> libxml2_reads(std::string_view document);
std::optional<std::string> xerces_reads(std::string_view document);

}  // namespace sallyport::inspect
