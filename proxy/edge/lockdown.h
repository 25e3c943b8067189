// What an edge gives up once its listeners are bound (design.md section 2).
#pragma once

#include <expected>
#include <string>

namespace sallyport::edge {

/// No core dump, and no debugger: the process holds private keys. To be called first.
void forbid_dumps();

/// Becomes this user with that user's groups, if it runs as root; an empty name changes nothing. The error is for the
/// operator.
std::expected<void, std::string> become(const std::string& user);

/// For good, for this thread and all it starts: no new privileges, no other program, nothing of the kernel's that an
/// edge has no use for. To be called before other threads exist.
std::expected<void, std::string> lock_down();

}  // namespace sallyport::edge
