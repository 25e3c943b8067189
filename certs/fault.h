// Why something could not be done with certificates and keys; for the operator.
#pragma once

#include <exception>
#include <expected>
#include <filesystem>
#include <string>
#include <utility>

namespace sallyport::certs {

struct Fault {
  std::filesystem::path file;  ///< empty: no file in particular
  std::string what;
  std::string remedy{};  ///< empty, or how to mend it
};

template <class T>
using Result = std::expected<T, Fault>;

/// Botan reports by exceptions; from here on they are values.
template <class Action>
auto attempt(const std::filesystem::path& file, const std::string& what, Action action) -> Result<decltype(action())> {
  try {
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      return {};
    } else {
      return action();
    }
  } catch (const std::exception& reason) {
    return std::unexpected(Fault{file, what + ": " + reason.what()});
  }
}

}  // namespace sallyport::certs
