// A queue in one block of memory, whose places are used again.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace sallyport::relay {

/// First in, first out. A place that was popped keeps what stood in it, and the next push gives it out as it is: so the
/// memory of the texts in it serves the next ones, and a queue in steady use allocates nothing. What is empty takes no
/// memory before its first element and after release(). Bounded by whoever fills it.
template <class T>
class Fifo {
 public:
  Fifo() = default;
  Fifo(Fifo&& other) noexcept
      : places_(std::move(other.places_)),
        capacity_(std::exchange(other.capacity_, 0)),
        first_(std::exchange(other.first_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  Fifo& operator=(Fifo&&) = delete;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& front() { return places_[first_]; }
  const T& front() const { return places_[first_]; }
  /// By place in the queue: 0 is the front.
  T& operator[](std::size_t index) { return places_[(first_ + index) & (capacity_ - 1)]; }

  /// A new last element: a place that still holds what was in it before, for the caller to fill.
  T& push() {
    if (size_ == capacity_) grow();
    return (*this)[size_++];
  }
  /// The front goes; what it holds stays for a later push().
  void pop() {
    first_ = (first_ + 1) & (capacity_ - 1);
    --size_;
  }
  /// Gives the memory back if nothing is queued, and there are more places than `kept`.
  void release(std::size_t kept = 0) {
    if (size_ != 0 || capacity_ <= kept) return;
    places_.reset();
    capacity_ = first_ = 0;
  }

 private:
  void grow() {
    const std::size_t capacity = capacity_ == 0 ? 8 : 2 * capacity_;
    auto places = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) places[i] = std::move((*this)[i]);
    places_ = std::move(places);
    capacity_ = capacity;
    first_ = 0;
  }

  std::unique_ptr<T[]> places_;
  std::size_t capacity_ = 0;  ///< a power of two
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace sallyport::relay
