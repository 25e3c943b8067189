// What edge and guard ask of the allocator: thousands of idle sessions live in what a burst has left behind.
#pragma once

namespace sallyport::heap {

/// Returns what is free to the kernel, also what the calling thread keeps at hand. For quiet moments: all of it is
/// looked through. The programs have jemalloc for their allocator (docs/decisions/0008-jemalloc.md); under another one
/// this does nothing.
void trim();

}  // namespace sallyport::heap
