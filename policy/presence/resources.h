// The names that resources have beyond the boundary, where a peering hides them (protocol.md P-02).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace Botan {
class AEAD_Mode;
}

namespace sallyport::policy::presence {

/// Gives a resource another name for each user and far domain, and finds the resource again: AES-SIV (RFC 5297) over
/// the resource, with the user and the domain as associated data. So there is no table, a name lasts as long as the
/// key, and nobody without the key makes one or sees that two belong together. One per lane, not shared.
class ResourceNames {
 public:
  static constexpr std::size_t kKeyOctets = 32;
  /// Octets of the longest resource that can be hidden: its name has 512, the most of any resource (inspect::Jid).
  static constexpr std::size_t kLongest = 368;

  /// `key` has kKeyOctets, or is empty: zeros, for tests and where nothing leaves.
  explicit ResourceNames(std::string_view key = {});
  ResourceNames(ResourceNames&&) noexcept;
  ResourceNames& operator=(ResourceNames&&) noexcept;
  ~ResourceNames();

  /// The name of a prepared resource: 43 octets for resources of up to 16, and base64url (RFC 4648 5), which every
  /// preparation of resources leaves as it is. nullopt if the resource is longer than kLongest.
  std::optional<std::string> hide(std::string_view resource, std::string_view user, std::string_view far);
  /// The resource of that name; nullopt for what hide() has not given, with this key, for this user and domain.
  std::optional<std::string> restore(std::string_view name, std::string_view user, std::string_view far);

  struct Exchanged {
    std::string resource;
    bool restored = false;
  };
  /// What stands on the other side for what stands on this one: the resource of a name; else the name of a resource.
  /// Done twice it gives what was there before, also for a name that somebody has made up: inside it becomes one that
  /// no client has, and in the answer it is again what was asked for (P-42). nullopt as for hide().
  std::optional<Exchanged> exchange(std::string_view resource, std::string_view user, std::string_view far);

 private:
  std::unique_ptr<Botan::AEAD_Mode> hiding_, restoring_;
};

}  // namespace sallyport::policy::presence
