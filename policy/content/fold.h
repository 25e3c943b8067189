// Text as it is compared: what looks alike or is written alike becomes alike (Unicode UAX 15, UTS 39).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

/// Text that was folded, and where each of its octets comes from.
struct Folded {
  std::string text;
  std::vector<std::uint32_t> from;  ///< offset in the source of each octet, and of the end; non-decreasing
};

/// Two forms. Plain: NFKC with case folded and invisible characters removed, runs of white space one space. Skeleton:
/// of that, each character replaced by what it looks like, marks removed. Remembers characters it has seen; bounded.
/// One per lane, not shared. Linear in the length of the text.
class Folder {
 public:
  Folder();
  Folder(Folder&&) noexcept;
  Folder& operator=(Folder&&) noexcept;
  ~Folder();

  /// Valid until the next call.
  const Folded& plain(std::string_view text);
  /// Of what plain() gave last. Valid until the next call.
  const Folded& skeleton();

 private:
  struct Unicode;
  std::unique_ptr<Unicode> unicode_;  // made when it is first needed
  Folded plain_, skeleton_;
};

}  // namespace sallyport::policy
