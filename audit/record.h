// What is put on record. One record is one line of the log.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sallyport::audit {

using Digest = std::array<std::uint8_t, 32>;
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// One judged stanza. Names are the words of the log; texts are whatever the peers sent, escaped by the writer.
struct StanzaRecord {
  Time time{};
  std::uint64_t crossing = 0;  ///< the route's number in this run of the guard
  std::string from_enclave, to_enclave;
  std::string from, to;  ///< JIDs as judged
  std::string kind, type, id;
  std::string id_out;                  ///< as it leaves, where that is another: of iq requests and their answers
  std::string from_out, to_in;         ///< JIDs as they stand beyond the boundary, where a resource is hidden
  std::string verdict;                 ///< release, alter, answer, bounce, drop, sever
  std::string reason;                  ///< stage.reason
  std::vector<std::string> findings;   ///< further reasons, in the order of the stages
  std::string rule;                    ///< the officer's rule that granted or refused; "" if none did
  std::string bundle;                  ///< hash of the bundle it was judged by
  std::string label_in, marking_in;    ///< the label by which it was judged, and the marking that came with it
  std::string label_out, marking_out;  ///< the same label and its marking as the other side sees them
  std::string label_detail;            ///< why labels decided against it: cause and whose clearance
  std::string shadow;  ///< what the shadow policy makes of it, where that is something else: verdict, reason, rule
  std::uint64_t leg_in = 0, number_in = 0;
  std::uint64_t leg_out = 0, number_out = 0;  ///< 0: nothing leaves
  std::uint64_t octets_in = 0, octets_out = 0;
  Digest sha256_in{}, sha256_out{};  ///< of the normal form that came in, of the bytes that go out
  std::string cause;                 ///< of an injection: the record number it answers, as text; else ""
  std::string content;               ///< only when the policy asks for it
};

/// Anything else worth a line: sessions, dials, refusals, reloads, alarms. `code` is stage.reason like a verdict's.
struct EventRecord {
  Time time{};
  std::string code;
  std::string enclave;
  std::uint64_t crossing = 0;
  std::uint64_t leg = 0;
  std::vector<std::pair<std::string, std::string>> details;
};

using Record = std::variant<StanzaRecord, EventRecord>;

}  // namespace sallyport::audit
