// Octets that must not outlive their use: what a client proves itself with.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport::inspect {

/// Overwrites the text, and all memory that it holds beyond its end, in a way that no compiler leaves out.
inline void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

/// A text that is wiped when it is replaced, moved from or destroyed. It can't be made longer in place, since growing
/// would leave the old memory as it was. Not for printing.
class Secret {
 public:
  Secret() = default;
  /// Takes the text over; whatever else held it is the caller's to wipe.
  Secret(std::string&& text) : text_(std::move(text)) { wipe(text); }
  Secret(std::string_view text) : text_(text) {}
  Secret(const char* text) : text_(text) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.clear(); }
  Secret& operator=(const Secret& other) {
    if (this == &other) return *this;
    clear();
    text_ = other.text_;
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    clear();
    text_.swap(other.text_);
    return *this;
  }
  ~Secret() { clear(); }

  operator std::string_view() const { return text_; }
  std::string_view view() const { return text_; }
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  void clear() { wipe(text_); }
  bool operator==(const Secret&) const = default;

 private:
  std::string text_;
};

}  // namespace sallyport::inspect
