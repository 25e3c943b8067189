// SHA-256 of what came in and of what goes out, for the record.
#pragma once

#include <memory>
#include <string_view>

#include "audit/record.h"

namespace Botan {
class HashFunction;
}

namespace sallyport::guard {

/// One per lane: keeps its context between stanzas.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  audit::Digest operator()(std::string_view octets);

 private:
  std::unique_ptr<Botan::HashFunction> hash_;
};

}  // namespace sallyport::guard
