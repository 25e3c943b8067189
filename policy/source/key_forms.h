// The forms that keys come in. For the files of the table of keys only.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "policy/source/reading.h"

namespace sallyport::policy::source {

inline std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

template <class T>
Key<T> required(Key<T> key) {
  key.required = true;
  key.fallback.clear();
  return key;
}

/// One word of a list; the default is that of T.
template <class T, class V>
Key<T> choice(const std::string& name, V T::* member, const std::vector<std::pair<std::string, V>>& words,
              std::string meaning) {
  std::string all, fallback;
  for (const auto& [word, value] : words) {
    all += (all.empty() ? "" : ", ") + source::quoted(word);
    if (value == T{}.*member) fallback = source::quoted(word);
  }
  return {name, "one of " + all, fallback, std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            const auto written = in.text(node, "one of " + all);
            if (!written) return;
            const auto found = std::ranges::find(words, written->text, [](const auto& word) { return word.first; });
            if (found == words.end())
              return in.mistake(node.source(), "'" + name + "' can't be " + source::quoted(written->text),
                                "write one of " + all);
            out.*member = found->second;
          }};
}

template <class T>
Key<T> flag(const std::string& name, bool T::* member, std::string meaning) {
  return {name,
          "true or false",
          T{}.*member ? "true" : "false",
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_boolean();
            if (!value)
              return in.mistake(node.source(), "'" + name + "' is neither true nor false",
                                "write true or false, without quotes");
            out.*member = value->get();
          }};
}

template <class T>
Key<T> count(const std::string& name, std::uint32_t T::* member, std::int64_t least, std::int64_t most,
             std::string meaning) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  return {name,
          "whole number, " + range,
          std::to_string(T{}.*member),
          std::move(meaning),
          false,
          [=](Reading& in, const toml::node& node, T& out) {
            const auto* value = node.as_integer();
            if (!value || value->get() < least || value->get() > most)
              return in.mistake(node.source(), "'" + name + "' is not a whole number from " + range,
                                "write a number from " + range + ", without quotes");
            out.*member = static_cast<std::uint32_t>(value->get());
          }};
}

template <class T>
Key<T> domains(const std::string& name, std::vector<Written> T::* member, std::string meaning) {
  return {name, "list of domains", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            in.each(node, "a list of domains: [\"example.org\"]", [&](const toml::node& element) {
              auto written = in.domain(element);
              if (!written) return;
              if (std::ranges::find(out.*member, written->text, &Written::text) != (out.*member).end())
                return in.mistake(element.source(), "'" + written->text + "' stands here twice",
                                  "take one of the two away");
              (out.*member).push_back(std::move(*written));
            });
          }};
}

/// A key of a part of T.
template <class T, class Part>
Key<T> inside(const Key<Part>& key, const std::function<Part&(T&)>& part) {
  return {key.name,     key.type,
          key.fallback, key.meaning,
          key.required, [=](Reading& in, const toml::node& node, T& out) { key.read(in, node, part(out)); }};
}

/// A table inside another one, read by a section of its own.
template <class T, class Part>
Key<T> table(const std::string& name, const Section<Part>& section, std::string meaning,
             const std::function<Part&(T&)>& part) {
  return {name, "table", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            if (const auto* inner = node.as_table()) return read_section(in, *inner, section, part(out));
            in.mistake(node.source(), "'" + name + "' is not a table", "write [" + name + "] on a line of its own");
          }};
}

/// An array of tables; `add` makes the place for each.
template <class T, class Part>
Key<T> tables(const std::string& name, const std::string& header, const Section<Part>& section, std::string meaning,
              const std::function<Part&(T&, const toml::node&)>& add) {
  return {name, "tables", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, T& out) {
            const auto* list = node.as_array();
            const bool all = list && std::ranges::all_of(*list, [](const toml::node& e) { return e.is_table(); });
            if (!all) return in.mistake(node.source(), "'" + name + "' is not a list of tables", "write " + header);
            for (const toml::node& element : *list) read_section(in, *element.as_table(), section, add(out, element));
          }};
}

}  // namespace sallyport::policy::source
