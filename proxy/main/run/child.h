// One child process and the pipe that its log comes through.
#pragma once

#include <string>

#include <sys/types.h>

#include "proxy/main/run/programs.h"

namespace sallyport::run {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

class Child {
 public:
  /// Starts the program. If that can't be done it looks like a child that ended at once with status 127.
  static Child start(const Program& program);

  pid_t pid() const { return pid_; }
  int output() const { return output_.number(); }  ///< -1 once the child has closed it
  void send(int signal) const;
  /// Appends what the child has written, at most 64 KiB at once.
  void read_output(std::string& text);

 private:
  Child(pid_t pid, Descriptor output) : pid_(pid), output_(std::move(output)) {}
  pid_t pid_;
  Descriptor output_;
};

}  // namespace sallyport::run
