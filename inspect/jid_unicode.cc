#include "inspect/jid_unicode.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/usprep.h>

namespace sallyport::inspect {
namespace {

using Text = icu::UnicodeString;

Text text_of(std::string_view utf8) {
  return Text::fromUTF8(icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
}

std::string utf8_of(const Text& text) {
  std::string utf8;
  return text.toUTF8String(utf8);
}

std::vector<UChar32> code_points(const Text& text) {
  std::vector<UChar32> points;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) points.push_back(text.char32At(at));
  return points;
}

struct Close {
  void operator()(UStringPrepProfile* profile) const { usprep_close(profile); }
  void operator()(UIDNA* idna) const { uidna_close(idna); }
};

// ICU keeps the profiles it has loaded: opening is a look-up after the first time.
std::optional<Text> stringprep(const Text& text, UStringPrepProfileType type) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UStringPrepProfile, Close> profile(usprep_openByType(type, &status));
  if (U_FAILURE(status)) return std::nullopt;
  // Mappings lengthen a text by a small factor at most.
  const int32_t room = text.length() * 18 + 1;
  Text result;
  UParseError where;
  const int32_t length = usprep_prepare(profile.get(), text.getBuffer(), text.length(), result.getBuffer(room), room,
                                        USPREP_DEFAULT, &where, &status);
  result.releaseBuffer(U_SUCCESS(status) ? length : 0);
  if (U_FAILURE(status)) return std::nullopt;
  return result;
}

std::optional<Text> normalize(const Text& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return std::nullopt;
  Text result = nfc->normalize(text, status);
  if (U_FAILURE(status)) return std::nullopt;
  return result;
}

bool is_one_of(UChar32 c, std::initializer_list<UChar32> list) {
  return std::ranges::find(list, c) != list.end();
}

bool is_letter_or_digit(UChar32 c) {
  constexpr uint32_t kMask = U_GC_L_MASK | U_GC_ND_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  return (U_GET_GC_MASK(c) & kMask & ~U_GC_LT_MASK) != 0;
}

bool is_old_hangul_jamo(UChar32 c) {
  return is_one_of(u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE),
                   {U_HST_LEADING_JAMO, U_HST_VOWEL_JAMO, U_HST_TRAILING_JAMO});
}

bool has_compatibility_form(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  return U_FAILURE(status) || nfkc->normalize(Text(c), status) != Text(c) || U_FAILURE(status);
}

// RFC 8264 8, RFC 5892 2: the part that PRECIS's IdentifierClass and IDNA2008 share. Letters and digits whose legality
// depends on their neighbours (CONTEXTJ, most of CONTEXTO) are left out here.
bool is_identifier_character(UChar32 c) {
  if (is_one_of(c, {0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007})) return true;
  if (is_one_of(c, {0x640, 0x7FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B})) return false;
  if (c < 0x80) return c > 0x20 && c < 0x7F;
  return is_letter_or_digit(c) && !is_old_hangul_jamo(c) &&
         !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) && !has_compatibility_form(c);
}

// RFC 5892 A.8, A.9: the two sets of Arabic digits do not mix.
bool mixes_arabic_digits(const std::vector<UChar32>& points) {
  return std::ranges::any_of(points, [](UChar32 c) { return c >= 0x660 && c <= 0x669; }) &&
         std::ranges::any_of(points, [](UChar32 c) { return c >= 0x6F0 && c <= 0x6F9; });
}

// RFC 5893 2, for text that has right-to-left characters.
bool fits_bidi_rule(const std::vector<UChar32>& points) {
  std::vector<int> classes;
  classes.reserve(points.size());
  for (const UChar32 c : points) classes.push_back(u_charDirection(c));
  const auto has = [&](int wanted) { return std::ranges::find(classes, wanted) != classes.end(); };
  if (!has(U_RIGHT_TO_LEFT) && !has(U_RIGHT_TO_LEFT_ARABIC) && !has(U_ARABIC_NUMBER)) return true;
  if (classes[0] != U_RIGHT_TO_LEFT && classes[0] != U_RIGHT_TO_LEFT_ARABIC) return false;
  if (has(U_LEFT_TO_RIGHT) || (has(U_EUROPEAN_NUMBER) && has(U_ARABIC_NUMBER))) return false;
  while (classes.back() == U_DIR_NON_SPACING_MARK) classes.pop_back();
  return is_one_of(classes.back(), {U_RIGHT_TO_LEFT, U_RIGHT_TO_LEFT_ARABIC, U_EUROPEAN_NUMBER, U_ARABIC_NUMBER});
}

// UTS 39 5.1: the scripts a character belongs to, with the writing systems that mix scripts.
std::set<int> augmented_scripts(UChar32 c) {
  UErrorCode status = U_ZERO_ERROR;
  UScriptCode codes[64];
  const int32_t count = uscript_getScriptExtensions(c, codes, 64, &status);
  std::set<int> scripts;
  for (int32_t i = 0; U_SUCCESS(status) && i < count; ++i) {
    scripts.insert(codes[i]);
    if (codes[i] == USCRIPT_HAN) scripts.insert({USCRIPT_JAPANESE, USCRIPT_KOREAN, USCRIPT_HAN_WITH_BOPOMOFO});
    if (codes[i] == USCRIPT_HIRAGANA || codes[i] == USCRIPT_KATAKANA) scripts.insert(USCRIPT_JAPANESE);
    if (codes[i] == USCRIPT_HANGUL) scripts.insert(USCRIPT_KOREAN);
    if (codes[i] == USCRIPT_BOPOMOFO) scripts.insert(USCRIPT_HAN_WITH_BOPOMOFO);
  }
  return scripts;
}

bool is_single_script(const std::vector<UChar32>& points) {
  std::optional<std::set<int>> common;
  for (const UChar32 c : points) {
    const std::set<int> scripts = augmented_scripts(c);
    if (scripts.contains(USCRIPT_COMMON) || scripts.contains(USCRIPT_INHERITED)) continue;
    if (!common) {
      common = scripts;
      continue;
    }
    std::erase_if(*common, [&](int script) { return !scripts.contains(script); });
  }
  return !common || !common->empty();
}

bool is_identifier(const Text& text) {
  const auto points = code_points(text);
  return !points.empty() && std::ranges::all_of(points, is_identifier_character);
}

// RFC 8265 3.3.2: width mapping, case mapping, NFC, directionality.
std::optional<Text> username_case_mapped(const Text& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  if (U_FAILURE(status)) return std::nullopt;
  Text mapped;
  for (const UChar32 c : code_points(text)) {
    const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    Text decomposition;
    if ((width == U_EA_FULLWIDTH || width == U_EA_HALFWIDTH) && nfkc->getRawDecomposition(c, decomposition))
      mapped.append(decomposition);
    else
      mapped.append(c);
  }
  if (!is_identifier(mapped)) return std::nullopt;
  mapped.toLower(icu::Locale::getRoot());
  auto result = normalize(mapped);
  if (!result || !is_identifier(*result)) return std::nullopt;
  const auto points = code_points(*result);
  if (!fits_bidi_rule(points) || mixes_arabic_digits(points)) return std::nullopt;
  return result;
}

constexpr uint32_t kIdnaOptions = UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                  UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
                                  UIDNA_NONTRANSITIONAL_TO_UNICODE;

using Conversion = int32_t (*)(const UIDNA*, const char*, int32_t, char*, int32_t, UIDNAInfo*, UErrorCode*);

std::optional<std::string> idna(std::string_view text, Conversion convert) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UIDNA, Close> idna(uidna_openUTS46(kIdnaOptions, &status));
  if (U_FAILURE(status)) return std::nullopt;
  std::string result(text.size() * 8 + 64, '\0');
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  const int32_t length = convert(idna.get(), text.data(), static_cast<int32_t>(text.size()), result.data(),
                                 static_cast<int32_t>(result.size()), &info, &status);
  if (U_FAILURE(status) || info.errors != 0) return std::nullopt;
  result.resize(static_cast<std::size_t>(length));
  return result;
}

// IDNA2008 context characters, legal where idna() finds their neighbours right.
bool is_context_character(UChar32 c) {
  return is_one_of(c, {0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB, 0x200C, 0x200D});
}

bool is_u_label_character(UChar32 c) {
  if (c < 0x80) return u_isalnum(c) || c == '-';
  return is_identifier_character(c) || is_context_character(c);
}

// RFC 5891 5: the label in lower case and NFC is a U-label as it stands, with nothing mapped.
std::expected<Text, JidFault> u_label(std::string_view label) {
  Text folded = text_of(label);
  // Before lower case too: the Kelvin sign must not become a k.
  if (!std::ranges::all_of(code_points(folded), is_u_label_character)) return std::unexpected(JidFault::DomainInvalid);
  folded.toLower(icu::Locale::getRoot());
  const auto candidate = normalize(folded);
  if (!candidate) return std::unexpected(JidFault::DomainInvalid);
  const std::string octets = utf8_of(*candidate);
  if (!std::ranges::all_of(code_points(*candidate), is_u_label_character) || octets.empty())
    return std::unexpected(JidFault::DomainInvalid);
  if (idna(octets, uidna_labelToUnicodeUTF8) != octets) return std::unexpected(JidFault::DomainInvalid);
  return *candidate;
}

std::expected<std::string, JidFault> prepare_label(std::string_view label) {
  std::string given(label);
  Text before = text_of(label);
  if (before.startsWith("xn--") || before.startsWith("XN--") || before.startsWith("Xn--") ||
      before.startsWith("xN--")) {
    std::ranges::transform(given, given.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    const auto decoded = idna(given, uidna_labelToUnicodeUTF8);
    if (!decoded || idna(*decoded, uidna_labelToASCII_UTF8) != given) return std::unexpected(JidFault::DomainInvalid);
    given = *decoded;
    before = text_of(given);
  }
  const auto precis = u_label(given);
  if (!precis) return std::unexpected(precis.error());
  const auto nameprep = stringprep(before, USPREP_RFC3491_NAMEPREP);
  if (!nameprep || *nameprep != *precis) return std::unexpected(JidFault::DomainDisagree);
  return utf8_of(*precis);
}

}  // namespace

std::expected<std::string, JidFault> prepare_unicode_local(std::string_view local) {
  const Text text = text_of(local);
  const auto precis = username_case_mapped(text);
  if (!precis) return std::unexpected(JidFault::LocalpartForbidden);
  const auto nodeprep = stringprep(text, USPREP_RFC3920_NODEPREP);
  if (!nodeprep || *nodeprep != *precis) return std::unexpected(JidFault::LocalpartDisagree);
  if (!is_single_script(code_points(*precis))) return std::unexpected(JidFault::LocalpartForbidden);
  return utf8_of(*precis);
}

std::expected<std::string, JidFault> prepare_unicode_domain(std::string_view domain) {
  std::string prepared;
  for (std::size_t start = 0;;) {
    const std::size_t dot = std::min(domain.find('.', start), domain.size());
    const auto label = prepare_label(domain.substr(start, dot - start));
    if (!label) return std::unexpected(label.error());
    prepared += *label;
    if (dot == domain.size()) break;
    prepared += '.';
    start = dot + 1;
  }
  if (unicode_domain_to_ascii(prepared).empty()) return std::unexpected(JidFault::DomainInvalid);
  return prepared;
}

std::string unicode_domain_to_ascii(std::string_view prepared_domain) {
  const auto ascii = idna(prepared_domain, uidna_nameToASCII_UTF8);
  if (!ascii || ascii->size() > 253) return {};
  return *ascii;
}

bool is_unicode_resource(std::string_view resource) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  const Text text = text_of(resource);
  if (U_FAILURE(status) || !nfc->isNormalized(text, status) || U_FAILURE(status)) return false;
  const auto points = code_points(text);
  const auto is_space = [](UChar32 c) { return u_charType(c) == U_SPACE_SEPARATOR; };
  const auto is_refused = [](UChar32 c) {
    return c < 0x20 || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  };
  return !points.empty() && !is_space(points.front()) && !is_space(points.back()) &&
         std::ranges::none_of(points, is_refused);
}

}  // namespace sallyport::inspect
