// What is wrong in a file that a person wrote, and how to mend it. Shared by the readers of configuration and policy.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::inspect {

/// One mistake. Readers report all that they can find, not only the first.
struct Mistake {
  std::string file;
  std::uint32_t line = 0, column = 0;  ///< from 1; 0: the file as a whole
  std::string what;                    ///< "unknown key 'lisen' in [edge.north]"
  std::string remedy;                  ///< "did you mean 'listen'?"
  bool operator==(const Mistake&) const = default;
};

/// Two lines: "FILE:LINE:COLUMN: what" and the remedy, indented; ends with a newline. Without a remedy one line.
std::string describe(const Mistake& mistake);

/// The known word that `word` was probably meant to be (edit distance at most 1 in 3 letters), "" if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace sallyport::inspect
