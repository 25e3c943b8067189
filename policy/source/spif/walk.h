// Reads elements and attributes of a SPIF and collects what is wrong. For the files of this folder only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "policy/source/spif/document.h"
#include "policy/source/spif/spif.h"

namespace sallyport::policy::source::spif {

/// A child that an element may have; in the order of the schema.
struct Child {
  std::string_view name;
  std::uint32_t least = 0, most = UINT32_MAX;
};

/// What tagType and enumType say. Not applicable: the tag occurs in no label.
struct Kind {
  bool applicable = true;
  label::TagKind kind = label::TagKind::Informative;
};

class Walk {
 public:
  Walk(const std::string& file, Reading how) : file_(file), how_(how) {}

  void mistake(const Element& at, std::string what, std::string remedy);
  void warning(const Element& at, std::string what, std::string remedy);
  std::vector<Mistake>& mistakes() { return mistakes_; }
  std::vector<Mistake>& warnings() { return warnings_; }

  /// A mistake for each attribute that is not in the list.
  void check_attributes(const Element& e, std::initializer_list<std::string_view> known);
  /// A mistake for each child that is unknown, missing, once too often or out of order, and for text.
  void check_children(const Element& e, std::initializer_list<Child> known);
  void check_text_only(const Element& e);

  static const std::string* attribute(const Element& e, std::string_view name);
  /// "" and a mistake if it is missing or no usable name.
  std::string name(const Element& e, std::string_view attribute_name);
  /// Any clean text, blanks included; "" if it is missing.
  std::string text(const Element& e, std::string_view attribute_name);
  std::optional<label::Oid> oid(const Element& e, std::string_view attribute_name);
  /// nullopt if it is missing (a mistake where it is required) or no number up to `largest` (a mistake).
  std::optional<std::uint32_t> number(const Element& e, std::string_view attribute_name, std::uint32_t largest,
                                      bool required);
  /// nullopt for "unbounded" and for none.
  std::optional<std::uint32_t> selection(const Element& e, std::string_view attribute_name);
  bool flag(const Element& e, std::string_view attribute_name);
  label::Period period(const Element& e);
  std::optional<Kind> kind(const Element& e);
  std::optional<label::Applied> applied(const Element& e);
  std::optional<label::Operation> operation(const Element& e);
  label::Markings markings(const Element& e);
  std::vector<label::Qualifier> qualifiers(const Element& e);

 private:
  std::optional<std::int64_t> time(const Element& e, std::string_view attribute_name);
  std::optional<label::Codes> codes(const Element& e, std::string_view written);
  label::MarkingData marking_data(const Element& e);
  Mistake at_place(const Element& at, std::string what, std::string remedy) const;

  const std::string& file_;
  Reading how_;
  std::vector<Mistake> mistakes_, warnings_;
};

/// Tells of the second of two that must differ.
template <class Key>
class Unique {
 public:
  Unique(Walk& in, std::string what) : in_(in), what_(std::move(what)) {}
  void add(const Element& at, Key key) {
    const auto [place, is_new] = lines_.try_emplace(std::move(key), at.line);
    if (!is_new)
      in_.mistake(at, what_ + " stands already in line " + std::to_string(place->second), "each needs one of its own");
  }

 private:
  Walk& in_;
  std::string what_;
  std::map<Key, std::uint32_t> lines_;
};

std::string quoted(std::string_view text);
/// White space taken off both ends.
std::string_view trimmed(std::string_view text);
/// xs:dateTime in milliseconds of the system clock; without a zone it is read as UTC.
std::optional<std::int64_t> date_time(std::string_view text);

}  // namespace sallyport::policy::source::spif
