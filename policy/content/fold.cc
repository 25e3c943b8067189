#include "policy/content/fold.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uspoof.h>
#include <unicode/utf8.h>

namespace sallyport::policy {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Replaces what a Folded holds, octet by octet. Nothing is whole before finish().
class Folding {
 public:
  /// `expected`: octets that will probably come.
  Folding(Folded& out, std::size_t expected) : out_(out) { make_room(expected + 1); }

  /// Adds one octet; of a run of white space only the first.
  void append(char c, std::size_t from) {
    if (is_space(c)) {
      if (size_ > 0 && out_.text[size_ - 1] == ' ') return;
      c = ' ';
    }
    if (size_ == room_) make_room(2 * room_);
    out_.text[size_] = c;
    out_.from[size_] = static_cast<std::uint32_t>(from);
    ++size_;
  }
  void finish(std::size_t end) {
    out_.text.resize(size_);
    out_.from.resize(size_);
    out_.from.push_back(static_cast<std::uint32_t>(end));
  }

 private:
  void make_room(std::size_t octets) {
    out_.text.resize(octets);
    out_.from.resize(octets);
    room_ = octets;
  }

  Folded& out_;
  std::size_t size_ = 0, room_ = 0;
};

struct SpoofClose {
  void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};

}  // namespace

struct Folder::Unicode {
  static constexpr std::size_t kMostSeen = 8192;

  const icu::Normalizer2* nfkc_casefold = nullptr;
  const icu::Normalizer2* nfd = nullptr;
  std::unique_ptr<USpoofChecker, SpoofClose> spoof;
  std::array<std::string, 128> ascii;
  std::unordered_map<char32_t, std::string> seen;

  Unicode() {
    UErrorCode status = U_ZERO_ERROR;
    nfkc_casefold = icu::Normalizer2::getNFKCCasefoldInstance(status);
    nfd = icu::Normalizer2::getNFDInstance(status);
    spoof.reset(uspoof_open(&status));
    if (U_FAILURE(status)) throw std::runtime_error("ICU has no data for normalization or confusables");
    for (char32_t c = 0; c < ascii.size(); ++c) ascii[c] = look(c);
  }

  std::string casefold(const std::string& text) const {
    std::string out;
    icu::StringByteSink<std::string> sink(&out);
    UErrorCode status = U_ZERO_ERROR;
    nfkc_casefold->normalizeUTF8(0, text, sink, nullptr, status);
    if (U_FAILURE(status)) throw std::runtime_error("ICU cannot fold text");
    return out;
  }

  /// What one character looks like, folded again: the prototypes of UTS 39 are of either case.
  std::string look(char32_t c) const {
    if (u_charType(static_cast<UChar32>(c)) == U_NON_SPACING_MARK) return {};
    std::string one;
    icu::UnicodeString(static_cast<UChar32>(c)).toUTF8String(one);
    std::array<char, 256> prototype;
    UErrorCode status = U_ZERO_ERROR;
    const int length = uspoof_getSkeletonUTF8(spoof.get(), 0, one.data(), static_cast<int>(one.size()),
                                              prototype.data(), static_cast<int>(prototype.size()), &status);
    if (U_FAILURE(status)) throw std::runtime_error("ICU gives no skeleton");
    const std::string folded = casefold({prototype.data(), static_cast<std::size_t>(length)});
    icu::UnicodeString apart = nfd->normalize(icu::UnicodeString::fromUTF8(folded), status);
    std::string out;
    for (int at = 0; at < apart.length(); at = apart.moveIndex32(at, 1)) {
      const UChar32 each = apart.char32At(at);
      if (u_charType(each) != U_NON_SPACING_MARK) icu::UnicodeString(each).toUTF8String(out);
    }
    return out;
  }

  const std::string& skeleton_of(char32_t c) {
    if (c < ascii.size()) return ascii[c];
    if (seen.size() >= kMostSeen) seen.clear();
    const auto [at, is_new] = seen.try_emplace(c);
    if (is_new) at->second = look(c);
    return at->second;
  }

  void fold(std::string_view text, Folding& out) const {
    std::string normal;
    icu::StringByteSink<std::string> sink(&normal);
    icu::Edits edits;
    UErrorCode status = U_ZERO_ERROR;
    nfkc_casefold->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int>(text.size())), sink, &edits, status);
    if (U_FAILURE(status)) throw std::runtime_error("ICU cannot fold text");
    icu::Edits::Iterator each = edits.getFineIterator();
    while (each.next(status)) {
      const auto at = static_cast<std::size_t>(each.destinationIndex());
      const auto source = static_cast<std::size_t>(each.sourceIndex());
      for (std::size_t i = 0; i < static_cast<std::size_t>(each.newLength()); ++i)
        out.append(normal[at + i], each.hasChange() ? source : source + i);
    }
  }
};

Folder::Folder() = default;
Folder::Folder(Folder&&) noexcept = default;
Folder& Folder::operator=(Folder&&) noexcept = default;
Folder::~Folder() = default;

const Folded& Folder::plain(std::string_view text) {
  Folding out(plain_, text.size());
  if (is_ascii(text)) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      out.append(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c, i);
    }
  } else {
    if (!unicode_) unicode_ = std::make_unique<Unicode>();
    unicode_->fold(text, out);
  }
  out.finish(text.size());
  return plain_;
}

const Folded& Folder::skeleton() {
  if (!unicode_) unicode_ = std::make_unique<Unicode>();
  Folding out(skeleton_, plain_.text.size());
  const auto* octets = reinterpret_cast<const std::uint8_t*>(plain_.text.data());
  const auto size = static_cast<std::int32_t>(plain_.text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t begin = at;
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(octets, at, size, c);  // NOLINT(bugprone-inc-dec-in-conditions): within a macro of ICU's
    const std::size_t from = plain_.from[static_cast<std::size_t>(begin)];
    for (const char octet : unicode_->skeleton_of(static_cast<char32_t>(c))) out.append(octet, from);
  }
  out.finish(plain_.from.back());
  return skeleton_;
}

}  // namespace sallyport::policy
