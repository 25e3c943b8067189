// Stage 6, content: what is said. Every text of the stanza and of every stanza inside it goes through the rules of the
// peering, wherever it stands. Nothing that a text names is ever fetched.
#include <algorithm>

#include "inspect/names.h"
#include "policy/content/matcher.h"
#include "policy/payload/rules.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Node;
namespace ns = inspect::ns;

constexpr std::string_view kMask = "***";
/// Each round masks what the one before has laid open.
constexpr int kMostRounds = 4;
constexpr std::string_view kForms = "jabber:x:data";
constexpr std::string_view kXhtml = "http://www.w3.org/1999/xhtml";

bool is_content(std::string_view of) {
  return of == ns::kContent || of == ns::kClient || of == ns::kServer;
}

class Reader {
 public:
  Reader(Run& run, const ContentMatcher& matcher, std::size_t peering)
      : run_(run), matcher_(matcher), peering_(peering) {}

  Objection read() {
    for (const Address* address : {&run_.facts.from, &run_.facts.to})
      if (is_service(run_.bundle, *address)) this->address(*address);
    element(run_.stanza, TextPlace::Payload);
    return objection_;
  }

 private:
  /// A room and the nick of an occupant.
  void address(const Address& of) {
    look(of.local, TextPlace::Room);
    look(of.resource, TextPlace::Nick);
  }

  TextPlace place(const Node& node, TextPlace outer) const {
    if (is_content(node.ns)) {
      if (node.name == "body") return TextPlace::Body;
      if (node.name == "subject") return TextPlace::Subject;
      if (node.name == "status") return TextPlace::Status;
      return TextPlace::Payload;
    }
    if (node.ns == kForms) return TextPlace::Form;
    if (node.is("http://jabber.org/protocol/nick", "nick")) return TextPlace::Nick;
    if (node.ns == kXhtml) return TextPlace::Body;
    return outer == TextPlace::Body ? TextPlace::Body : TextPlace::Payload;
  }

  void element(Node& node, TextPlace outer) {
    const TextPlace here = place(node, outer);
    // The addresses and ids of stanzas are judged elsewhere.
    if (!is_content(node.ns))
      for (const inspect::Attribute& each : node.attributes) attribute(node, each, here);
    if (node.is(kXhtml, "body")) formatted(node);
    for (Node* child = node.first_child; child; child = child->next) {
      if (child->is_text()) {
        child->text = masked(child->text, here);
      } else {
        element(*child, here);
      }
    }
  }

  void attribute(const Node& node, const inspect::Attribute& each, TextPlace here) {
    if (each.name == "nick") return look(each.value, TextPlace::Nick);
    if (each.name == "jid" && node.is("jabber:x:conference", "x"))
      return look(Address::of_prepared(each.value).local, TextPlace::Room);
    look(each.value, here == TextPlace::Body ? TextPlace::Payload : here);
  }

  /// Text with markup inside reads as if there were none.
  void formatted(const Node& node) {
    std::string all;
    gather(node, all);
    look(all, TextPlace::Body);
  }
  static void gather(const Node& node, std::string& all) {
    for (const Node& child : node.children()) {
      if (child.is_text()) all += child.text;
      if (!child.is_text()) gather(child, all);
    }
  }

  void look(std::string_view text, TextPlace where) {
    hits_.clear();
    matcher_.match(peering_, where, text, run_.scratch.folder, hits_);
    for (const ContentMatcher::Hit& hit : hits_) {
      note(*hit.rule, hit.rule->action == ContentAction::Flag ? Reason::ContentFlagged : Reason::ContentRefused);
    }
  }

  /// The text with what is to be masked taken out; values of payloads have types, and stay. What is left may be a word
  /// of its own that was none before.
  std::string_view masked(std::string_view text, TextPlace where) {
    if (where == TextPlace::Payload) {
      look(text, where);
      return text;
    }
    for (int round = 0; round < kMostRounds; ++round) {
      const std::string_view before = text;
      text = masked_once(text, where);
      if (text == before) return text;
    }
    objection_ = Reason::ContentRefused;
    return text;
  }

  std::string_view masked_once(std::string_view text, TextPlace where) {
    hits_.clear();
    matcher_.match(peering_, where, text, run_.scratch.folder, hits_);
    std::vector<Range> ranges;
    for (const ContentMatcher::Hit& hit : hits_) {
      const bool masks = hit.rule->action == ContentAction::Mask && !hit.ranges.empty();
      if (masks) ranges.insert(ranges.end(), hit.ranges.begin(), hit.ranges.end());
      note(*hit.rule, masks                                     ? Reason::ContentMasked
                      : hit.rule->action == ContentAction::Flag ? Reason::ContentFlagged
                                                                : Reason::ContentRefused);
    }
    if (ranges.empty()) return text;
    std::ranges::sort(ranges, {}, &Range::begin);
    std::string out;
    std::size_t at = 0;
    for (const Range& range : ranges) {
      if (range.end <= at) continue;
      out += text.substr(at, std::max(range.begin, at) - at);
      out += kMask;
      at = range.end;
    }
    out += text.substr(at);
    return run_.scratch.arena.copy(out);
  }

  void note(const ContentRule& rule, Reason reason) {
    if (reason != Reason::ContentRefused) return run_.findings.add(reason);
    if (objection_) return;
    objection_ = reason;
    run_.content_rule = rule.id;
  }

  Run& run_;
  const ContentMatcher& matcher_;
  std::size_t peering_;
  std::vector<ContentMatcher::Hit> hits_;
  Objection objection_;
};

}  // namespace

std::string_view name(TextPlace place) {
  switch (place) {
    case TextPlace::Body:
      return "body";
    case TextPlace::Subject:
      return "subject";
    case TextPlace::Status:
      return "status";
    case TextPlace::Nick:
      return "nick";
    case TextPlace::Form:
      return "form";
    case TextPlace::Room:
      return "room";
    case TextPlace::Payload:
      return "payload";
  }
  return {};
}

Objection content(Run& run) {
  const ContentMatcher& matcher = run.bundle.content();
  const std::size_t number = run.bundle.number_of(*run.peering, run.crossing.login);
  if (!matcher.looks_at(number)) return std::nullopt;
  return Reader(run, matcher, number).read();
}

}  // namespace sallyport::policy
