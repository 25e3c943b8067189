// What guard and edges give up before they talk to anybody: privileges, system calls, core dumps.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include <sys/types.h>

namespace sallyport::airlock {

/// Guard: no network at all; the sockets that are open already go on. Edge: a network, but nothing else.
enum class Confinement : std::uint8_t { Guard, Edge };

/// Becomes that user for good, with its groups. Does nothing for an empty name, or when not started as root. Error:
/// why.
std::expected<void, std::string> become(const std::string& user);

/// The id of that user; an empty name is the user of this process.
std::expected<uid_t, std::string> user_id(const std::string& user);

/// For all threads, those that will be started as well, and for good: no new privileges, no core dump, not traceable,
/// and the system calls that lead to another program, another process or out of the confinement fail with EPERM (clone3
/// with ENOSYS, so that libc does without). The guard calls it after its listeners are made and before any channel is
/// accepted. Error: why; the process must not go on.
std::expected<void, std::string> lock_down(Confinement confinement);

}  // namespace sallyport::airlock
