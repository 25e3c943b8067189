#include "proxy/edge/stream_id.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include <openssl/rand.h>

#include "inspect/base64.h"

namespace sallyport::edge {

std::string new_stream_id() {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw std::runtime_error("the system has no random numbers");
  std::string id =
      inspect::encode_base64(std::string_view(reinterpret_cast<const char*>(random.data()), random.size()));
  id.resize(22);
  std::ranges::replace(id, '+', '-');
  std::ranges::replace(id, '/', '_');
  return id;
}

}  // namespace sallyport::edge
