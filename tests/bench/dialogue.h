// The S2S negotiation as a server plays it: header, STARTTLS, header, EXTERNAL, header. Just enough to get a stream
// that is open; text is searched, not parsed, since the other side is a guard that we started ourselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::bench {

class Dialogue {
 public:
  enum class Role : std::uint8_t { Initiator, Receiver };
  enum class Then : std::uint8_t { Read, StartTls, Open, Fail };
  /// What to do after a piece was heard. `send` goes out before `then` happens.
  struct Step {
    std::string send;
    Then then = Then::Read;
  };

  /// A receiver takes both from the header that it hears.
  Dialogue(Role role, std::string from, std::string to);

  /// The initiator's first words; the receiver has none.
  std::string begin() const;
  /// After TLS is there.
  std::string secured() const;
  /// Takes text and gives the next step; call again with "" until nothing is to be done.
  Step hear(std::string_view text);
  /// The domain that it speaks for; a receiver's is known once it was asked for.
  const std::string& own_domain() const { return from_; }
  /// What came after the last piece that was understood.
  const std::string& rest() const { return heard_; }

 private:
  enum class Awaiting : std::uint8_t { PlainHeader, StartTls, SecureHeader, Proof, ProvedHeader, Nothing };

  std::string header() const;
  Step initiator();
  Step receiver();
  /// Takes everything up to and with `end`, when it has come after `begin`.
  bool take(std::string_view begin, std::string_view end);

  Role role_;
  std::string from_, to_, heard_;
  Awaiting awaiting_ = Awaiting::PlainHeader;
};

/// The base64 of RFC 4648, for `<auth/>`.
std::string base64(std::string_view octets);

}  // namespace sallyport::bench
