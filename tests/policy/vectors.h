// Reads the files of tests/policy/vectors; their README says how they are written.
#pragma once

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

namespace sallyport::policy::testing {

struct Vector {
  std::string file, name, policy = "policy.toml";
  std::size_t line = 0;
  std::vector<std::string> before;  ///< stanzas that crossed the other way
  std::size_t open = 0;             ///< iq requests that wait for their answers
  std::string open_from;
  std::string in;
  std::string verdict = "release", reason = "policy.granted";
  std::vector<std::string> findings;
  std::string out;
  std::vector<std::pair<std::string, std::string>> settings;  ///< table, line of TOML
  std::string lang;
  int repeat = 1;
  std::string earlier_in;  ///< the session in which all but the last are sent; "": the same
  std::vector<std::pair<std::string, std::string>> granted = {{"north.test", "south.test"}};
  std::string from_enclave = "north", to_enclave = "south";
  std::string rule;     ///< "" if it is not looked at
  std::string because;  ///< likewise
  std::chrono::sys_time<std::chrono::minutes> time = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  std::string session;  ///< "client", "server": whose stanza it is in a client's session; "": between servers
};

inline void PrintTo(const Vector& vector, std::ostream* out) {
  *out << vector.file << ":" << vector.line << ": " << vector.name;
}

/// All vectors of all files. Throws std::runtime_error for a line that it cannot read.
std::vector<Vector> read_vectors();
/// Where a file of that folder stands.
std::string vector_path(const std::string& name);
/// The text of the file in the folder of the vectors.
std::string read_vector_file(const std::string& name);

}  // namespace sallyport::policy::testing
