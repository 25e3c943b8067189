// What must hold for every octet string: shared by the fuzzers and by the test that replays their corpora.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::tests {

/// Reads a certificate in DER and judges it by an authority that has nothing to do with it. Empty, or what is wrong.
std::string certificate_fault(std::string_view der);

}  // namespace sallyport::tests
