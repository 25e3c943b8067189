#include "inspect/jid.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "inspect/grammar.h"
#include "inspect/jid_unicode.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

constexpr std::size_t kTextOctets = 3071;
constexpr std::size_t kAsciiLocalOctets = 64;
constexpr std::size_t kLocalOctets = 256;
constexpr std::size_t kDomainOctets = 253;
constexpr std::size_t kLabelOctets = 63;
constexpr std::size_t kResourceOctets = 512;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Printable ASCII but space and what RFC 7622 3.3.1 excludes.
bool is_ascii_local_character(char c) {
  constexpr std::string_view kExcluded = "\"&'/:<>@";
  return c > 0x20 && c < 0x7F && kExcluded.find(c) == std::string_view::npos;
}

std::expected<std::string, JidFault> prepare_local(std::string_view local, JidProfile profile) {
  if (!is_ascii(local)) {
    if (profile == JidProfile::Ascii) return std::unexpected(JidFault::LocalpartForbidden);
    auto prepared = prepare_unicode_local(local);
    if (prepared && prepared->size() > kLocalOctets) return std::unexpected(JidFault::TooLong);
    return prepared;
  }
  if (!std::ranges::all_of(local, is_ascii_local_character)) return std::unexpected(JidFault::LocalpartForbidden);
  if (local.size() > (profile == JidProfile::Ascii ? kAsciiLocalOctets : kLocalOctets))
    return std::unexpected(JidFault::TooLong);
  std::string prepared(local);
  std::ranges::transform(prepared, prepared.begin(), lower);
  return prepared;
}

// Letters, digits, hyphens (RFC 5890 2.3.1), but no A-label and nothing else with a tag like one.
bool is_plain_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelOctets && label.front() != '-' && label.back() != '-' &&
         label.substr(0, 4).find("--", 2) == std::string_view::npos &&
         std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

bool looks_like_ip_address(std::string_view domain) {
  const std::string_view last = domain.substr(domain.rfind('.') + 1);
  return std::ranges::all_of(last, is_digit);
}

bool is_plain_domain(std::string_view domain) {
  if (domain.size() > kDomainOctets) return false;
  for (std::size_t start = 0;;) {
    const std::size_t dot = std::min(domain.find('.', start), domain.size());
    if (!is_plain_label(domain.substr(start, dot - start))) return false;
    if (dot == domain.size()) return !looks_like_ip_address(domain);
    start = dot + 1;
  }
}

bool is_ascii_resource(std::string_view resource) {
  return std::ranges::all_of(resource, [](char c) { return c >= 0x20 && c < 0x7F; }) && resource.front() != ' ' &&
         resource.back() != ' ';
}

}  // namespace

std::string_view name(JidFault fault) {
  constexpr auto kNames = std::to_array<std::string_view>({"empty", "too-long", "bad-utf8", "empty-part",
                                                           "localpart-forbidden", "localpart-disagree",
                                                           "domain-invalid", "domain-disagree", "resource-forbidden"});
  return kNames[static_cast<std::size_t>(fault)];
}

std::expected<std::string, JidFault> Jid::prepare_domain(std::string_view text) {
  if (text.empty()) return std::unexpected(JidFault::Empty);
  if (text.size() > kTextOctets) return std::unexpected(JidFault::TooLong);
  if (text.ends_with('.')) text.remove_suffix(1);
  if (is_plain_domain(text)) {
    std::string prepared(text);
    std::ranges::transform(prepared, prepared.begin(), lower);
    return prepared;
  }
  if (!is_clean_text(text)) return std::unexpected(JidFault::BadUtf8);
  auto prepared = prepare_unicode_domain(text);
  if (prepared && looks_like_ip_address(*prepared)) return std::unexpected(JidFault::DomainInvalid);
  return prepared;
}

std::string Jid::to_ascii(std::string_view prepared_domain) {
  if (is_plain_domain(prepared_domain)) return std::string(prepared_domain);
  return unicode_domain_to_ascii(prepared_domain);
}

// RFC 7622 3.1: split before any mapping, at the first '/', then at the first '@'.
std::expected<Jid, JidFault> Jid::parse(std::string_view text, JidProfile profile) {
  if (text.empty()) return std::unexpected(JidFault::Empty);
  if (text.size() > kTextOctets) return std::unexpected(JidFault::TooLong);
  if (!is_clean_text(text)) return std::unexpected(JidFault::BadUtf8);

  Jid jid;
  const std::size_t slash = text.find('/');
  std::string_view bare = text.substr(0, slash);
  if (const std::size_t at = bare.find('@'); at != std::string_view::npos) {
    if (at == 0) return std::unexpected(JidFault::EmptyPart);
    auto local = prepare_local(bare.substr(0, at), profile);
    if (!local) return std::unexpected(local.error());
    jid.text_ = std::move(*local) + '@';
    jid.domain_at_ = static_cast<std::uint16_t>(jid.text_.size());
    bare.remove_prefix(at + 1);
  }
  if (bare.empty()) return std::unexpected(JidFault::EmptyPart);
  const auto domain = prepare_domain(bare);
  if (!domain) return std::unexpected(domain.error());
  jid.text_ += *domain;

  if (slash == std::string_view::npos) return jid;
  const std::string_view resource = text.substr(slash + 1);
  if (resource.empty()) return std::unexpected(JidFault::EmptyPart);
  if (resource.size() > kResourceOctets) return std::unexpected(JidFault::TooLong);
  if (!is_ascii_resource(resource) && !is_unicode_resource(resource))
    return std::unexpected(JidFault::ResourceForbidden);
  jid.text_ += '/';
  jid.resource_at_ = static_cast<std::uint16_t>(jid.text_.size());
  jid.text_ += resource;
  return jid;
}

std::string_view Jid::bare() const {
  if (resource_at_ == 0) return text_;
  return std::string_view(text_).substr(0, resource_at_ - 1u);
}

std::string_view Jid::local() const {
  if (domain_at_ == 0) return {};
  return std::string_view(text_).substr(0, domain_at_ - 1u);
}

std::string_view Jid::domain() const {
  return bare().substr(domain_at_);
}

std::string_view Jid::resource() const {
  if (resource_at_ == 0) return {};
  return std::string_view(text_).substr(resource_at_);
}

// Each text has a few places only, found by its hash. Texts chosen to collide push each other out; they cost a
// preparation each, never a long search.
struct JidCache::Entries {
  static constexpr std::size_t kPlaces = 4;
  struct Entry {
    std::string text;
    JidProfile profile = JidProfile::Ascii;
    std::optional<std::expected<Jid, JidFault>> result;
  };
  struct Set {
    std::array<Entry, kPlaces> entries;
    std::size_t oldest = 0;
  };
  std::vector<Set> sets;
  std::optional<std::expected<Jid, JidFault>> not_kept;
};

JidCache::JidCache(std::size_t entries) : entries_(std::make_unique<Entries>()) {
  entries_->sets.resize(std::max<std::size_t>(1, entries / Entries::kPlaces));
}

JidCache::~JidCache() = default;

const std::expected<Jid, JidFault>& JidCache::parse(std::string_view text, JidProfile profile) {
  Entries::Set& set = entries_->sets[std::hash<std::string_view>()(text) % entries_->sets.size()];
  for (const Entries::Entry& entry : set.entries)
    if (entry.result && entry.profile == profile && entry.text == text) return *entry.result;
  // A text beyond all limits is not worth its memory.
  if (text.size() > kTextOctets) return entries_->not_kept.emplace(Jid::parse(text, profile));
  Entries::Entry& entry = set.entries[set.oldest];
  set.oldest = (set.oldest + 1) % Entries::kPlaces;
  entry.text = text;
  entry.profile = profile;
  return entry.result.emplace(Jid::parse(text, profile));
}

}  // namespace sallyport::inspect
