// How a key of each type is read, checked and described. keys.cc says which keys there are.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "inspect/base64.h"
#include "inspect/jid.h"
#include "proxy/config/keys.h"
#include "proxy/config/values.h"

namespace sallyport::config::forms {

template <class T>
Key<T> required(Key<T> key) {
  key.text.required = true;
  key.text.fallback.clear();
  return key;
}

/// A list that must not be empty.
template <class T>
Key<T> filled(Key<T> key, const std::string& remedy) {
  key.text.limits = "at least one";
  key.read = [name = key.text.name, remedy, read = key.read](Reading& in, const toml::node& node, T& out) {
    if (node.is_array() && node.as_array()->empty()) return in.mistake(node, "'" + name + "' is empty", remedy);
    read(in, node, out);
  };
  return key;
}

/// "" as written in TOML is the absence of a value.
inline std::string quoted(const std::string& text) {
  return text.empty() ? "" : "\"" + text + "\"";
}

/// A whole number. `Of`: T, or what T derives from.
template <class T, class N, class Of>
Key<T> count(std::string name, N Of::* member, std::uint64_t least, std::uint64_t most, std::string meaning) {
  const std::string limits = std::to_string(least) + " to " + std::to_string(most);
  return {{name, "whole number", limits, std::to_string(T{}.*member), std::move(meaning)},
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_integer();
            if (value == nullptr || value->get() < 0 || static_cast<std::uint64_t>(value->get()) < least ||
                static_cast<std::uint64_t>(value->get()) > most) {
              return in.mistake(node, "'" + name + "' is not a whole number from " + limits,
                                "write a number from " + limits + ", without quotes");
            }
            out.*member = static_cast<N>(value->get());
          }};
}

template <class T, class N, class Of>
Key<T> octets(std::string name, N Of::* member, std::uint64_t least, std::uint64_t most, std::string meaning) {
  const std::string limits = octets_text(least) + " to " + octets_text(most);
  return {{name, "size", limits, quoted(octets_text(T{}.*member)), std::move(meaning)},
          [=](Reading& in, const toml::node& node, T& out) {
            std::optional<std::uint64_t> value;
            if (const auto* text = node.as_string()) value = parse_octets(text->get());
            if (const auto* number = node.as_integer(); number != nullptr && number->get() >= 0) {
              value = static_cast<std::uint64_t>(number->get());
            }
            if (!value || *value < least || *value > most) {
              return in.mistake(node, "'" + name + "' is not a size from " + limits,
                                "write octets as a number or like \"64KiB\", \"2MiB\"");
            }
            out.*member = static_cast<N>(*value);
          }};
}

template <class T, class Of>
Key<T> duration(std::string name, std::chrono::milliseconds Of::* member, std::chrono::milliseconds least,
                std::chrono::milliseconds most, std::string meaning) {
  const std::string limits = duration_text(least) + " to " + duration_text(most);
  return {{name, "duration", limits, quoted(duration_text(T{}.*member)), std::move(meaning)},
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* text = node.as_string();
            const auto value = text != nullptr ? parse_duration(text->get()) : std::nullopt;
            if (!value || *value < least || *value > most) {
              return in.mistake(node, "'" + name + "' is not a duration from " + limits,
                                "write a number and its unit in quotes: \"500ms\", \"20s\", \"15min\", \"1h\"");
            }
            out.*member = *value;
          }};
}

template <class T>
Key<T> flag(std::string name, bool T::* member, std::string meaning) {
  return {{name, "true or false", "", T{}.*member ? "true" : "false", std::move(meaning)},
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_boolean();
            if (value == nullptr) {
              return in.mistake(node, "'" + name + "' is neither true nor false",
                                "write true or false, without quotes");
            }
            out.*member = value->get();
          }};
}

/// One of a list of words; the value of the n-th word is the n-th of `values`.
template <class T, class V>
Key<T> choice(std::string name, V T::* member, const std::vector<std::pair<std::string, V>>& words,
              std::string meaning) {
  std::string all, fallback;
  for (const auto& [word, value] : words) {
    all += (all.empty() ? "" : ", ") + quoted(word);
    if (value == T{}.*member) fallback = quoted(word);
  }
  return {{name, "word", all, fallback, std::move(meaning)}, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "one of " + all);
            if (!written) return;
            const auto found = std::ranges::find(words, *written, [](const auto& word) { return word.first; });
            if (found == words.end()) {
              return in.mistake(node, "'" + name + "' can't be \"" + *written + "\"", "write one of " + all);
            }
            out.*member = found->second;
          }};
}

template <class T>
Key<T> path(std::string name, std::filesystem::path T::* member, std::string meaning) {
  return {{name, "path", "", "", std::move(meaning)}, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "a path in quotes, absolute or relative to this file");
            if (!written) return;
            if (written->empty())
              return in.mistake(node, "'" + name + "' is empty", "write a path, or leave the key out");
            out.*member = in.path(*written);
          }};
}

/// A user name of the system.
template <class T>
Key<T> user(std::string name, std::string T::* member, std::string meaning) {
  return {{name, "user name", "", "", std::move(meaning)}, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "the name of a user of this system");
            if (!written) return;
            const bool legal =
                !written->empty() && written->size() <= 32 &&
                written->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
            if (!legal) {
              return in.mistake(node, "'" + *written + "' is not a user name",
                                "write a name of lower case letters, digits, '-' and '_'");
            }
            out.*member = *written;
          }};
}

template <class T>
Key<T> domain(std::string name, std::string T::* member, std::string meaning) {
  return {{name, "domain", "", "", std::move(meaning)}, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "a domain, like \"example.org\"");
            if (!written) return;
            const auto prepared = inspect::Jid::prepare_domain(*written);
            if (!prepared) {
              return in.mistake(
                  node, "'" + *written + "' is not a domain (" + std::string(inspect::name(prepared.error())) + ")",
                  "write a domain as users see it, like \"example.org\"");
            }
            out.*member = *prepared;
          }};
}

/// A list of strings; `take` gets each and its node and reports what is wrong with it.
template <class T, class Take>
Key<T> list(std::string name, std::string type, const std::string& expected, std::string meaning, Take take) {
  return {{name, std::move(type), "", "[]", std::move(meaning)}, [=](Reading& in, const toml::node& node, T& out) {
            const auto* values = node.as_array();
            if (values == nullptr) {
              return in.mistake(node, "'" + name + "' is not a list", "write a list in brackets: [" + expected + "]");
            }
            for (std::size_t i = 0; i < values->size(); ++i) {
              const toml::node& value = *values->get(i);
              in.place(name + "[" + std::to_string(i) + "]", value);
              if (const auto written = in.text(value, expected)) take(in, value, *written, out);
            }
          }};
}

template <class T>
Key<T> paths(std::string name, std::vector<std::filesystem::path> T::* member, std::string meaning) {
  return list<T>(std::move(name), "list of paths", "\"some/file.pem\"", std::move(meaning),
                 [=](Reading& in, const toml::node& node, const std::string& written, T& out) {
                   if (written.empty()) return in.mistake(node, "an empty path", "write a path, or take it away");
                   (out.*member).push_back(in.path(written));
                 });
}

/// SHA-256 digests in base 64; kept as 32 octets each.
template <class T>
Key<T> digests(std::string name, std::vector<std::string> T::* member, std::string meaning) {
  return list<T>(std::move(name), "list of digests", "\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"",
                 std::move(meaning), [=](Reading& in, const toml::node& node, const std::string& written, T& out) {
                   auto digest = inspect::decode_base64(written);
                   if (!digest || digest->size() != 32) {
                     return in.mistake(node, "'" + written + "' is not a SHA-256 digest in base 64",
                                       "openssl x509 -in CERT -pubkey -noout | openssl pkey -pubin -outform der | "
                                       "openssl dgst -sha256 -binary | base64");
                   }
                   (out.*member).push_back(*std::move(digest));
                 });
}

/// Reads an endpoint or says what is wrong with it.
inline std::optional<Endpoint> endpoint(Reading& in, const toml::node& node, const std::string& written) {
  auto parsed = parse_endpoint(written);
  if (!parsed) {
    in.mistake(node, "'" + written + "' is not an IP address with a port",
               parse_address(written) ? "add the port: \"192.0.2.1:5269\" or \"[2001:db8::1]:5269\""
                                      : "write an address, no name, and the port: \"192.0.2.1:5269\" or "
                                        "\"[2001:db8::1]:5269\", IPv6 in brackets");
  }
  return parsed;
}

template <class T>
Key<T> endpoints(std::string name, std::vector<Endpoint> T::* member, std::string meaning) {
  return list<T>(std::move(name), "list of addresses with port", "\"192.0.2.1:5269\", \"[2001:db8::1]:5269\"",
                 std::move(meaning), [=](Reading& in, const toml::node& node, const std::string& written, T& out) {
                   const auto parsed = endpoint(in, node, written);
                   if (!parsed) return;
                   if (std::ranges::find(out.*member, *parsed) != (out.*member).end()) {
                     return in.mistake(node, "'" + written + "' stands here twice", "take one of the two away");
                   }
                   (out.*member).push_back(*parsed);
                 });
}

}  // namespace sallyport::config::forms
