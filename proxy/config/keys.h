// The one table of the configuration's keys. The parser, the defaults, the reference page and the manual's option list
// are made from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/reading.h"

namespace sallyport::config {

/// What a reader of the manual has to know about one key.
struct KeyText {
  std::string name, type, limits;
  std::string fallback;  ///< the default as it would be written; "" if there is none
  std::string meaning;
  bool required = false;
};

/// One key of the table that fills a T.
template <class T>
struct Key {
  KeyText text;
  std::function<void(Reading&, const toml::node&, T&)> read;
};

template <class T>
struct Section {
  std::string path, meaning;
  std::vector<Key<T>> keys;
  std::vector<std::string> tables;  ///< names of the tables inside it, which have sections of their own
};

Section<Config> file_section();
Section<Guard> guard_section();
Section<Audit> audit_section();
Section<Edge> edge_section();
Section<EdgeLimits> limits_section();
Section<ClientLimits> client_limits_section();
Section<Face> face_section();
Section<NextHop> next_hop_section();
Section<Pin> pin_section();
Section<Login> login_section();

}  // namespace sallyport::config
