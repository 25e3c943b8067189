// What the commands that try a policy out take in: policies in every form, and stanzas as an edge would hand them on.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "policy/bundle.h"
#include "policy/proof/prove.h"

namespace sallyport::commands {

/// Says why on standard error and ends the command.
[[noreturn]] void end_command(int status, const std::string& why);

/// The policy file of a folder (its policy.toml); any other path as it is.
std::filesystem::path policy_file(const std::filesystem::path& path);

/// A bundle; or a policy file or folder, which is compiled on the way. Ends the command with 1 if it is none.
policy::Bundle load_policy_or_end(const std::filesystem::path& path);

/// Which way a stanza goes. What is not said is taken to be as the stanza claims: it comes from the enclave that owns
/// its from, on a leg that was granted its pair.
struct Way {
  std::string from_enclave, to_enclave, lang;
  std::vector<policy::Pair> granted;

  Way completed(const policy::Bundle& bundle, const inspect::Node& stanza) const;
  policy::Crossing crossing() const;  ///< views into this
};

/// "2026-03-01", "2026-03-01T08:00", "2026-03-01T08:00:00" or with a Z: UTC all the same.
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> read_time(std::string_view text);
std::chrono::sys_time<std::chrono::milliseconds> now();
/// "2026-03-01T08:00:00Z", such that read_time() gives a time not before this one, and less than a second after it.
std::string written_time(std::chrono::sys_time<std::chrono::milliseconds> time);
/// The time that is looked at alone; all from now on if `text` is empty. Ends the command with 2 if it is no time.
policy::proof::When when_or_end(const std::string& text);

/// What a record says of a stanza besides its content.
struct Recorded {
  std::string from_enclave, to_enclave, from, to;
  std::string id, id_out;  ///< of an iq: as it came, and as it left if that is another one
  std::uint64_t crossing = 0;
  /// The session that the crossing is, if the log says so: its full JID and where its client is; else "".
  std::string session, client_enclave;
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> wall;
};

/// One stanza to be judged, and where it was found.
struct Sample {
  std::string where;  ///< "file.xml:3", the third stanza; "record 17"
  std::string normal_form;
  Recorded record = {};  ///< empty if it is of a file
};

/// Whose stream the stanzas of a text are in: jabber:server or jabber:client.
enum class StreamOf : std::uint8_t { Servers, Client };

/// The stanzas of a text: one, several in a row, or a whole stream. Error: what an edge would say.
std::expected<std::vector<Sample>, std::string> read_stanzas(std::string_view text, const std::string& where,
                                                             StreamOf stream = StreamOf::Servers);

/// The samples of files and folders: *.xml, and audit records that have content. `take` gets each with how far the
/// reading is, from 0 to 1. What can't be read ends the command with 2; how many records have no content is returned.
std::size_t each_sample(const std::vector<std::filesystem::path>& paths,
                        const std::function<void(const Sample&, double)>& take);

}  // namespace sallyport::commands
