// Reads SPIF files, schema 1.0, 2.0 and 2.1 (labels.md 2). Pure: whoever calls has read the file.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mistake.h"
#include "policy/label/policy.h"

namespace sallyport::policy::source::spif {

using inspect::Mistake;

struct Reading {
  /// Children may stand in another order than the schema's. What is unknown stays a mistake.
  bool lenient_order = false;
};

/// Where an equivalence stands, and where in the other policy it leads.
struct Lead {
  std::uint32_t line = 0;
  std::uint32_t policy = 0;  ///< index into Spif::equivalent_policies
  std::optional<label::Lacv> class_lacv;
  std::optional<label::CatKey> category;
  std::optional<label::ForeignRef> required;
};

struct Loaded {
  label::Spif spif;
  std::string file;
  std::vector<Mistake> warnings;
  std::vector<Lead> leads;
};

/// All mistakes of labels.md 2.7 that one file can hold, each with its line and remedy. `file` is the name that they
/// are reported under.
std::expected<Loaded, std::vector<Mistake>> load(std::string_view xml, const std::string& file, Reading how = {});

/// Rule 11: what `loaded` says of `other` leads to classes and categories that `other` has. Also rule 12's part: the
/// names agree. Mistakes carry the line in the file of `loaded`.
std::vector<Mistake> check_leads(const Loaded& loaded, const label::Policy& other);

}  // namespace sallyport::policy::source::spif
