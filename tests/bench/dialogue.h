// How a stream is negotiated until it is open, as one of its ends plays it. Text is searched, not parsed, since the
// other side is a guard that we started ourselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::bench {

class Dialogue {
 public:
  enum class Then : std::uint8_t { Read, StartTls, Open, Fail };
  /// What to do after a piece was heard. `send` goes out before `then` happens.
  struct Step {
    std::string send;
    Then then = Then::Read;
  };

  /// `from` speaks to `to`; who waits for the other takes both from the header that it hears.
  Dialogue(std::string from, std::string to);
  virtual ~Dialogue() = default;
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  /// The first words of who begins; the other has none.
  virtual std::string begin() const = 0;
  /// After TLS is there.
  std::string secured() const { return begin(); }
  /// Takes text and gives the next step; call again with "" until nothing is to be done.
  Step hear(std::string_view text);
  /// Who it speaks as; who waits for the other knows that once it was asked for.
  const std::string& from() const { return from_; }
  /// Who it speaks to, where that was said.
  const std::string& to() const { return to_; }
  /// What came after the last piece that was understood.
  const std::string& rest() const { return heard_; }

 protected:
  virtual Step next() = 0;
  /// Takes everything up to and with `end`, when it has come after `begin`.
  bool take(std::string_view begin, std::string_view end);
  /// A whole header has come: takes it, and the names in it.
  bool take_header();
  /// The value of the first attribute of that name that has come.
  std::string attribute(std::string_view name) const;
  /// `id`: of who answers.
  std::string header(std::string_view space, std::string_view id) const;

  std::string from_, to_, heard_;
};

/// Between servers: header, STARTTLS, header, EXTERNAL, header.
class ServerDialogue final : public Dialogue {
 public:
  enum class Role : std::uint8_t { Initiator, Receiver };
  ServerDialogue(Role role, std::string from, std::string to);
  std::string begin() const override;

 private:
  enum class Awaiting : std::uint8_t { PlainHeader, StartTls, SecureHeader, Proof, ProvedHeader, Nothing };

  Step next() override { return role_ == Role::Initiator ? initiator() : receiver(); }
  Step initiator();
  Step receiver();
  std::string own_header() const;

  Role role_;
  Awaiting awaiting_ = Awaiting::PlainHeader;
};

/// Between a client and its server: header, STARTTLS, header, SCRAM-SHA-1, header, a resource, stream management. The
/// proofs are those of the example in RFC 5802 section 5 for everybody: only the two of us look at them.
class LoginDialogue final : public Dialogue {
 public:
  enum class Role : std::uint8_t { Client, Server };
  /// A client's `from` is its account's bare JID. `secure`: TLS stands already when it begins.
  LoginDialogue(Role role, std::string from, std::string to, bool secure);
  std::string begin() const override;

 private:
  enum class Awaiting : std::uint8_t {
    PlainHeader,
    StartTls,
    SecureHeader,
    FirstMessage,
    FinalMessage,
    Outcome,
    ProvedHeader,
    Resource,
    Management,
    Nothing
  };

  Step next() override { return role_ == Role::Client ? client() : server(); }
  Step client();
  Step server();
  std::string own_header() const;

  Role role_;
  Awaiting awaiting_;
};

/// The resource that every client binds.
inline constexpr std::string_view kResource = "phone";

/// The base64 of RFC 4648, for `<auth/>`.
std::string base64(std::string_view octets);

}  // namespace sallyport::bench
