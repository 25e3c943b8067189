#include "policy/memory.h"

namespace sallyport::policy {

void Memory::commit(const Changes&, const Moment&) {}

}  // namespace sallyport::policy
