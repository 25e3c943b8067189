#include "proxy/edge/machine.h"

#include <utility>

#include "inspect/names.h"
#include "inspect/serializer.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {

using airlock::CloseKind;
using inspect::StreamCondition;
using inspect::StreamError;

Wait Machine::wait() const {
  switch (stage_) {
    case Stage::Negotiating:
      return awaits_tls() ? Wait::Handshake : Wait::Negotiation;
    case Stage::Held:
      return Wait::Guard;
    case Stage::Open:
      return Wait::Idle;
    case Stage::Draining:
    case Stage::Closing:
      return Wait::Close;
    case Stage::Over:
      break;
  }
  return Wait::Nothing;
}

bool Machine::listens() const {
  switch (stage_) {
    case Stage::Negotiating:
      return !awaits_tls();
    case Stage::Open:
    case Stage::Closing:
      return true;
    case Stage::Held:
    case Stage::Draining:
    case Stage::Over:
      break;
  }
  return false;
}

bool Machine::demands_silence() const {
  return stage_ != Stage::Over && awaits_silence();
}

bool Machine::expects(const airlock::Body& body) const {
  if (stage_ == Stage::Draining || stage_ == Stage::Closing || stage_ == Stage::Over) return true;
  return std::holds_alternative<airlock::Close>(body) || std::holds_alternative<airlock::Closed>(body) || awaits(body);
}

void Machine::enter(Stage stage) {
  if (stage_ != Stage::Over) stage_ = stage;
}

void Machine::finish(bool clean, std::string_view cause, Actions& out) {
  std::string text(cause);
  if (discarded_ > 0) text += "; " + std::to_string(discarded_) + " stanzas came after the end and were discarded";
  stage_ = Stage::Over;
  takes_stanzas_ = false;
  out.emplace_back(Finish{false, clean, std::move(text)});
}

void Machine::drop(std::string_view cause, Actions& out) {
  if (stage_ == Stage::Over) return;
  finish(false, cause, out);
  std::get<Finish>(out.back()).abort = true;
}

void Machine::write_closing_tag(Actions& out) {
  if (closing_tag_written_) return;
  ensure_header(out);
  last_words(out);
  closing_tag_written_ = true;
  out.emplace_back(Write{std::string(kClosingTag)});
}

void Machine::write_error(const StreamError& error, Actions& out, std::string_view detail) {
  // After our closing tag nothing may follow, not even an error (STR-13).
  if (closing_tag_written_) return;
  ensure_header(out);
  last_words(out);
  closing_tag_written_ = true;
  std::string text;
  inspect::write_stream_error(error, text);
  text.insert(text.rfind("</stream:error>"), detail);
  out.emplace_back(Write{std::move(text)});
}

void Machine::fail(const StreamError& error, Actions& out, std::string_view detail) {
  if (stage_ == Stage::Over) return;
  write_error(error, out, detail);
  const std::string cause = std::string(inspect::name(error.condition)) + (error.why.empty() ? "" : ": ") + error.why;
  if (!report_failure(airlock::DialFault::Protocol, cause, out))
    out.emplace_back(Ask{airlock::Close{CloseKind::Condition, error.condition, error.limit, error.why}});
  finish(false, cause, out);
}

void Machine::sever(const StreamError& error, Actions& out) {
  if (stage_ == Stage::Over) return;
  if (awaits_tls()) {
    report_failure(airlock::DialFault::NoAnswer, error.why, out);
    return drop(error.why, out);
  }
  fail(error, out);
}

void Machine::on_fault(const StreamError& error, Actions& out) {
  fail(error, out);
}

void Machine::on_lost(std::string_view why, Actions& out) {
  if (stage_ == Stage::Over) return;
  if (report_failure(airlock::DialFault::NoAnswer, why, out)) return drop(why, out);
  // After both closing tags the rest is courtesy: a missing close_notify is tolerated (protocol.md 1.5).
  const bool clean = stage_ == Stage::Draining;
  drop(why, out);
  std::get<Finish>(out.back()).clean = clean;
}

void Machine::on_stream_end(Actions& out) {
  switch (stage_) {
    case Stage::Open:
    case Stage::Held:
      out.emplace_back(Ask{airlock::Close{CloseKind::Clean, {}, {}, "closed by the peer"}});
      takes_stanzas_ = false;
      return enter(Stage::Draining);
    case Stage::Negotiating:
      report_failure(airlock::DialFault::Refused, "the peer closed the stream", out);
      write_closing_tag(out);
      return finish(true, "closed by the peer during negotiation", out);
    case Stage::Closing:
      if (takes_stanzas_) {
        // We closed for idleness, and the guard still owes answers to what came since.
        out.emplace_back(Ask{airlock::Close{CloseKind::Clean, {}, {}, "closed by both"}});
        takes_stanzas_ = false;
        return enter(Stage::Draining);
      }
      return finish(true, "closed by both", out);
    case Stage::Draining:
    case Stage::Over:
      return;
  }
}

void Machine::on_refuse(const airlock::Refuse& refuse, Actions& out) {
  if (stage_ == Stage::Over) return;
  if (awaits_tls()) return drop("refused by the guard", out);
  write_error(StreamError{refuse.condition, {}, {}}, out);
  finish(false, "refused by the guard: " + std::string(inspect::name(refuse.condition)), out);
}

void Machine::on_close(const airlock::Close& close, Actions& out) {
  if (stage_ == Stage::Over) return;
  if (close.kind == CloseKind::Abort || awaits_tls()) return drop("ended by the guard", out);
  takes_stanzas_ = false;
  if (stage_ == Stage::Draining) return on_closed(out);
  if (stage_ == Stage::Closing) return;
  if (close.kind == CloseKind::Clean) {
    write_closing_tag(out);
    return enter(Stage::Closing);
  }
  write_error(StreamError{close.condition, {}, close.limit}, out);
  finish(false, "ended by the guard: " + std::string(inspect::name(close.condition)), out);
}

void Machine::on_closed(Actions& out) {
  if (stage_ == Stage::Over || awaits_tls()) return drop("ended by the guard", out);
  write_closing_tag(out);
  finish(stage_ == Stage::Draining, stage_ == Stage::Draining ? "closed by the peer" : "ended by the guard", out);
}

void Machine::on_deadline(Actions& out) {
  switch (wait()) {
    case Wait::Handshake:
      return on_tls_failed("no TLS handshake in time", out);
    case Wait::Negotiation:
      return on_negotiation_deadline(out);
    case Wait::Guard:
      // protocol.md 2.7: the peer is alive, so not connection-timeout.
      return fail(StreamError{StreamCondition::RemoteConnectionFailed, "the guard did not answer in time", {}}, out);
    case Wait::Idle:
      write_closing_tag(out);
      return enter(Stage::Closing);
    case Wait::Close:
      if (stage_ == Stage::Draining) return on_closed(out);
      return finish(false, "no closing tag from the peer", out);
    case Wait::Nothing:
      return;
  }
}

void Machine::on_stream_error(const inspect::Node& element, Actions& out) {
  const std::string cause = "stream error from the peer: " + std::string(inspect::name(condition_of(element)));
  report_failure(airlock::DialFault::Refused, cause, out);
  write_closing_tag(out);
  finish(false, cause, out);
}

void Machine::refuse_element(const inspect::Node& element, Actions& out) {
  const bool foreign = classify(element) == ElementKind::OtherVocabulary;
  fail(StreamError{foreign ? StreamCondition::InvalidNamespace : StreamCondition::UnsupportedStanzaType,
                   "first-level element out of place",
                   {}},
       out);
}

}  // namespace sallyport::edge
