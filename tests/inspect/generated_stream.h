// Stanzas as many kinds of peers might write them, and some that nobody should: made from a seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::inspect {

class GeneratedStanza {
 public:
  explicit GeneratedStanza(std::uint64_t seed) : random_(seed) {}

  /// One first-level element, well-formed with few exceptions; one in eight has some octets changed.
  std::string next() {
    out_.clear();
    in_scope_ = {{"", "jabber:server"}};
    prefixes_ = 0;
    element(0);
    if (below(8) == 0) damage();
    return out_;
  }

 private:
  struct Binding {
    std::string prefix, ns;
  };

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class... Choice>
  std::string choose(Choice... choices) {
    const std::string all[] = {choices...};
    return all[below(sizeof...(Choice))];
  }

  std::string name() {
    return choose("body", "x", "query", "item", "a.b", "_c-1", "message", "error", "Z", "subject", "n0", "data");
  }
  std::string space() { return choose(" ", " ", " ", "\n", "\t ", "  "); }
  std::string maybe_space() { return one_in(6) ? space() : ""; }

  std::string character(bool in_value) {
    switch (below(in_value ? 14 : 18)) {
      case 0:
        return choose("&amp;", "&lt;", "&gt;", "&apos;", "&quot;");
      case 1:
        return choose("&#10;", "&#13;", "&#9;", "&#x20AC;", "&#xe4;", "&#128512;");
      case 2:
        return choose("\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC2\xA0", "\xE2\x80\x8D");
      case 3:
        return choose("\n", "\t", "\r\n", "\r", " ");
      case 4:
        return choose("]", "]]", ">", ";", "=", "/", "?", "!");
      case 14:
        return "<![CDATA[" + choose("<b/>", "&amp;", "]]", "]", "", "x\ry", "\xC3\xA4", "]]>&lt;<![CDATA[") + "]]>";
      case 15:
        return one_in(60) ? choose("<!-- x -->", "<?p i?>", "]]>", "&nbsp;", "&#1;", "\x7F", "&", "\xEF\xBB\xBF") : "y";
      default:
        return choose("a", "bc", "def ", "0123456789", "hello");
    }
  }
  std::string text(bool in_value) {
    std::string all;
    for (std::size_t count = one_in(30) ? below(600) : below(8); count > 0; --count) all += character(in_value);
    return all;
  }

  std::string ns() {
    return choose("urn:a", "urn:b", "jabber:client", "jabber:x:data", "urn:xmpp:forward:0", "vcard-temp",
                  "http://jabber.org/protocol/muc#user", "jabber:server");
  }
  void value(const std::string& content) {
    const char quote = one_in(2) ? '\'' : '"';
    const char other = quote == '"' ? '\'' : '"';
    out_ += maybe_space() + "=" + maybe_space() + quote + content + (one_in(4) ? std::string(1, other) : "") + quote;
  }

  void element(std::size_t depth) {
    const std::size_t bindings = in_scope_.size();
    std::string prefix;
    std::vector<Binding> declared;
    // Content elements stand at the top and below each other; with a prefix they would end the stream.
    const bool content = depth == 0 || (in_scope_.back().ns == "jabber:server" && in_scope_.size() == 1 && !one_in(3));
    if (!content) {
      if (one_in(3)) {
        prefix = "p" + std::to_string(one_in(3) ? 0 : ++prefixes_);
        declared.push_back({prefix, ns()});
      } else if (one_in(2)) {
        declared.push_back({"", ns()});
      } else {
        prefix = in_scope_[below(in_scope_.size())].prefix;
      }
    }
    const std::string full =
        (prefix.empty() ? "" : prefix + ":") + (depth == 0 ? choose("message", "presence", "iq", "message") : name());
    out_ += "<" + full;
    for (const Binding& binding : declared) in_scope_.push_back(binding);
    attributes(declared);
    out_ += maybe_space();
    if (depth > 5 || one_in(4)) {
      out_ += "/>";
    } else {
      out_ += ">";
      for (std::size_t count = below(4); count > 0; --count) {
        if (one_in(2)) out_ += text(false);
        element(depth + 1);
      }
      out_ += text(false);
      out_ += "</" + full + maybe_space() + ">";
    }
    in_scope_.resize(bindings);
  }

  void attributes(std::vector<Binding> declared) {
    const std::size_t own = declared.size();
    if (one_in(8)) {
      declared.push_back({"q" + std::to_string(++prefixes_), ns()});
      in_scope_.push_back(declared.back());
    }
    for (std::size_t i = 0; i < declared.size(); ++i) {
      out_ += space() + (declared[i].prefix.empty() ? "xmlns" : "xmlns:" + declared[i].prefix);
      const char quote = one_in(2) ? '\'' : '"';
      out_ += std::string("=") + quote + declared[i].ns + quote;
      if (i >= own) {
        out_ += space() + declared[i].prefix + ":" + name();
        value(text(true));
      }
    }
    const std::vector<std::string> names = {"to", "from", "id", "type", "xml:lang", "xml:space", "a", "B", "b"};
    for (std::size_t at = below(4); at < names.size(); at += 1 + below(5)) {
      out_ += space() + names[at];
      value(text(true));
    }
  }

  void damage() {
    for (std::size_t count = 1 + below(3); count > 0 && !out_.empty(); --count) {
      const std::size_t at = below(out_.size());
      switch (below(4)) {
        case 0:
          out_.erase(at, 1);
          break;
        case 1:
          out_[at] = "<>&'\"/= :!?[]x\xC3"[below(15)];
          break;
        case 2:
          out_.insert(at, 1, "<>&'\"/= :!?[]x\xC3"[below(15)]);
          break;
        default:
          out_.insert(at, out_.substr(below(out_.size()), below(12)));
      }
    }
  }

  std::mt19937_64 random_;
  std::string out_;
  std::vector<Binding> in_scope_;
  unsigned prefixes_ = 0;
};

}  // namespace sallyport::inspect
