// [domains], [users], [rooms] and [[rule]].
#include <array>
#include <charconv>

#include "inspect/names.h"
#include "policy/identifier.h"
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

constexpr std::string_view kPayloadForm =
    "a namespace, \"{NAMESPACE}ELEMENT\", or one of body, subject, thread, status, show, priority, error, message, "
    "presence and iq";
constexpr std::array<std::string_view, 10> kOwnElements = {"body",     "subject", "thread",  "status",   "show",
                                                           "priority", "error",   "message", "presence", "iq"};
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// A key of the part that needs no looking up.
Key<RuleText> of_rule(const Key<Rule>& key) {
  return {key.name,     key.type,
          key.fallback, key.meaning,
          key.required, [key](Reading& in, const toml::node& node, RuleText& out) { key.read(in, node, out.rule); }};
}

Key<RuleText> side(const std::string& name, SideText RuleText::* member, std::string meaning) {
  return {
      name, "\"any\" or list", "", std::move(meaning), true, [=](Reading& in, const toml::node& node, RuleText& out) {
        SideText& text = out.*member;
        text.at = node.source();
        const std::string expected =
            "\"any\", or a list of \"enclave:NAME\", domains, \"*.DOMAIN\", \"domains:SET\", bare JIDs, "
            "\"users:LIST\" and \"rooms:LIST\"";
        if (const auto* word = node.as_string(); word && word->get() == "any") {
          text.any = true;
          return;
        }
        in.each(node, expected, [&](const toml::node& element) {
          auto part = in.text(element, expected);
          if (!part) return;
          if (part->text == "any")
            return in.mistake(element.source(), "\"any\" stands in a list", "write " + name + " = \"any\"");
          text.parts.push_back(std::move(*part));
        });
      }};
}

void read_stanza(Reading& in, const Written& written, RuleText& out) {
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastKind); ++i) {
    if (written.text != name(static_cast<Kind>(i))) continue;
    out.rule.stanzas |= types_of(static_cast<Kind>(i));
    return;
  }
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < kStanzaTypes; ++i) {
    known.push_back(name(static_cast<StanzaType>(i)));
    if (known.back() != written.text) continue;
    out.rule.stanzas |= bit(static_cast<StanzaType>(i));
    return;
  }
  const std::string_view meant = inspect::nearest(written.text, known);
  in.mistake(written.at, "there is no kind of stanza " + quoted(written.text),
             meant.empty() ? "write \"message\", \"presence\", \"iq\", or one of their types like \"message:chat\""
                           : "did you mean " + quoted(meant) + "?");
}

void read_stanzas(Reading& in, const toml::node& node, RuleText& out) {
  if (const auto* word = node.as_string(); word && word->get() == "any") {
    out.rule.stanzas = kAllStanzaTypes;
    return;
  }
  const std::string expected = "\"any\", or a list like [\"message\", \"presence:subscribe\", \"iq:get\"]";
  in.each(node, expected, [&](const toml::node& element) {
    if (const auto written = in.text(element, expected)) read_stanza(in, *written, out);
  });
}

std::optional<PayloadName> payload_name(std::string_view text) {
  if (!is_title(text, 1024)) return std::nullopt;
  if (std::ranges::find(kOwnElements, text) != kOwnElements.end())
    return PayloadName{std::string(inspect::ns::kContent), std::string(text)};
  if (!text.starts_with('{')) {
    if (text.find_first_of("{} ") != std::string_view::npos) return std::nullopt;
    return PayloadName{std::string(text), ""};
  }
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos || end == 1 || end + 1 == text.size()) return std::nullopt;
  return PayloadName{std::string(text.substr(1, end - 1)), std::string(text.substr(end + 1))};
}

Key<RuleText> payloads(const std::string& name, std::optional<PayloadTexts> RuleText::* member, std::string meaning) {
  return {
      name, "list of payloads", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, RuleText& out) {
        PayloadTexts& texts = (out.*member).emplace();
        const std::string expected(kPayloadForm);
        in.each(node, "a list; each is " + expected, [&](const toml::node& element) {
          const auto written = in.text(element, expected);
          if (!written) return;
          auto named = payload_name(written->text);
          if (!named)
            return in.mistake(element.source(), "'" + written->text + "' is not a payload", "write " + expected);
          if (named->ns == inspect::ns::kClient || named->ns == inspect::ns::kServer)
            return in.mistake(element.source(), "'" + written->text + "' is the stanza's own vocabulary",
                              "write the name of the element alone, like \"body\"");
          texts.push_back({std::move(*named), element.source()});
        });
      }};
}

void read_days(Reading& in, const toml::node& node, Window& out) {
  const std::string expected = "days: [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]";
  out.days = 0;
  in.each(node, expected, [&](const toml::node& element) {
    const auto written = in.text(element, expected);
    if (!written) return;
    const auto day = std::ranges::find(kDays, written->text);
    if (day == kDays.end())
      return in.mistake(element.source(), "there is no day " + quoted(written->text), "write " + expected);
    out.days = static_cast<std::uint8_t>(out.days | 1U << (day - kDays.begin()));
  });
}

/// "HH:MM" as minutes of the day; 24:00 is its end.
std::optional<std::uint16_t> minute_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  unsigned hours = 0, minutes = 0;
  const auto number = [](std::string_view digits, unsigned& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, 2), hours) || !number(text.substr(3), minutes)) return std::nullopt;
  if (hours > 24 || minutes > 59 || (hours == 24 && minutes > 0)) return std::nullopt;
  return static_cast<std::uint16_t>(hours * 60 + minutes);
}

void read_hours(Reading& in, const toml::node& node, Window& out) {
  const std::string expected = "\"HH:MM-HH:MM\" in UTC, like \"08:00-17:30\"; \"22:00-06:00\" passes midnight";
  const auto written = in.text(node, expected);
  if (!written) return;
  const std::size_t dash = written->text.find('-');
  const std::string_view text = written->text;
  const auto from = minute_of_day(text.substr(0, dash));
  const auto until = dash == std::string::npos ? std::nullopt : minute_of_day(text.substr(dash + 1));
  if (!from || !until || *from == Window::kDay || *until == 0)
    return in.mistake(node.source(), "'" + written->text + "' is no span of hours", "write " + expected);
  if (*from == *until)
    return in.mistake(node.source(), "the hours " + written->text + " are no time at all",
                      "write different hours, or take 'hours' away for the whole day");
  out.from_minute = *from;
  out.until_minute = *until;
}

Key<Window> instant(const std::string& name, std::int64_t Window::* member, std::string meaning) {
  return {name, "date and time", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, Window& out) {
            const auto* value = node.as_date_time();
            if (!value || !value->get().offset)
              return in.mistake(node.source(), "'" + name + "' is no date and time with its offset from UTC",
                                "write it without quotes, like 2026-03-01T08:00:00Z");
            const toml::date_time& at = value->get();
            const std::chrono::sys_days day{std::chrono::year(at.date.year) / at.date.month / at.date.day};
            const std::chrono::milliseconds time =
                day.time_since_epoch() + std::chrono::hours(at.time.hour) + std::chrono::minutes(at.time.minute) +
                std::chrono::seconds(at.time.second) - std::chrono::minutes(at.offset->minutes);
            if (time.count() < 0)
              return in.mistake(node.source(), "'" + name + "' is before 1970", "write a later date");
            out.*member = time.count();
          }};
}

/// Whether some day of the window's weekdays lies within its dates.
bool ever_opens(const Window& window) {
  constexpr std::int64_t kMinute = 60'000;
  if (window.not_before >= window.not_after) return false;
  // Longer than any week and a day, so every weekday and hour comes.
  if (window.not_after - window.not_before >= std::int64_t{8} * Window::kDay * kMinute) return true;
  const auto opens = [&](std::int64_t time) {
    return window.is_open(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time)));
  };
  if (opens(window.not_before)) return true;
  for (std::int64_t time = (window.not_before / kMinute + 1) * kMinute; time < window.not_after; time += kMinute)
    if (opens(time)) return true;
  return false;
}

void read_window(Reading& in, const toml::node& node, RuleText& out) {
  const auto* table = node.as_table();
  if (!table || table->empty())
    return in.mistake(node.source(), "'when' names no time",
                      "write when = { days = [\"mon\"], hours = \"08:00-17:00\" }");
  const std::size_t before = in.mistakes().size();
  Window window;
  read_section(in, *table, window_section(), window);
  if (in.mistakes().size() == before && !ever_opens(window))
    in.mistake(node.source(), "this window never opens: no hour of its days lies between its dates",
               "mend the dates, or the days and hours");
  out.rule.window = window;
}

void read_condition(Reading& in, const toml::node& node, RuleText& out) {
  out.condition_at = node.source();
  const auto written = in.text(node, "\"policy-violation\" or \"service-unavailable\"");
  if (!written) return;
  if (written->text == "policy-violation") {
    out.rule.condition = MessageRefusal::PolicyViolation;
  } else if (written->text == "service-unavailable") {
    out.rule.condition = MessageRefusal::ServiceUnavailable;
  } else {
    in.mistake(node.source(), "a refused message can't be told " + quoted(written->text),
               "write \"policy-violation\" or \"service-unavailable\"; to tell nothing, use action = \"drop\"");
  }
}

/// A key that belongs to another one, so that where it is written has to be known. It has no default of its own.
Key<RuleText> placed(Key<RuleText> key, std::optional<toml::source_region> RuleText::* at) {
  key.fallback.clear();
  const auto read = key.read;
  key.read = [=](Reading& in, const toml::node& node, RuleText& out) {
    out.*at = node.source();
    read(in, node, out);
  };
  return key;
}

Key<RuleText> answer_key() {
  return placed(of_rule(choice<Rule>(
                    "answer", &Rule::answer,
                    {{"result", AnswerWith::EmptyResult}, {"service-unavailable", AnswerWith::ServiceUnavailable}},
                    "What `answer` gives: an empty result, or that the service is not there. Both come from the "
                    "addressee's address.")),
                &RuleText::answer_at);
}

Key<RuleText> login_key() {
  return {"login",
          "list of ids of [[login]]",
          "",
          "It is of a client's session that one of these lets log in. Such a rule is none between servers; one without "
          "`login` is one for both.",
          false,
          [](Reading& in, const toml::node& node, RuleText& out) {
            auto& ids = out.logins.emplace();
            in.each(node, "a list of ids of [[login]]", [&](const toml::node& element) {
              if (auto written = in.name(element)) ids.push_back(std::move(*written));
            });
          }};
}

Key<RuleText> towards_key() {
  return placed(
      of_rule(choice<Rule>("towards", &Rule::towards, {{"server", Towards::Server}, {"client", Towards::Client}},
                           "With `login`: only what goes that way in the session, whatever its addresses say; without "
                           "it both ways.")),
      &RuleText::towards_at);
}

}  // namespace

Key<PolicyText> set_tables(const std::string& name, std::vector<SetText> PolicyText::* member, std::string meaning) {
  return {name, "table", "", std::move(meaning), false, [=](Reading& in, const toml::node& node, PolicyText& out) {
            const auto* table = node.as_table();
            if (!table)
              return in.mistake(node.source(), "'" + name + "' is not a table",
                                "write [" + name + "] on a line of its own");
            for (const auto& [key, value] : *table) {
              SetText& set = (out.*member).emplace_back();
              set.name = {std::string(key.str()), key.source()};
              if (!is_identifier(set.name.text))
                in.mistake(key.source(), "'" + set.name.text + "' cannot be a name",
                           "use at most 64 letters, digits, '-', '_' and '.'");
              in.each(value, "a list in quotes, each of " + name, [&](const toml::node& element) {
                if (auto written = in.text(element, "one of " + name + " in quotes"))
                  set.members.push_back(std::move(*written));
              });
            }
          }};
}

Section<Window> window_section() {
  using W = Window;
  return {"when",
          "When a rule is in force, in UTC. Hours that pass midnight belong to the day on which they begin.",
          {{"days", "list of \"mon\" to \"sun\"", "", "Days of the week; without it every day.", false, read_days},
           {"hours", "\"HH:MM-HH:MM\"", "", "Hours of the day; without it the whole day.", false, read_hours},
           instant("not_before", &W::not_before, "The rule is in force from then on."),
           instant("not_after", &W::not_after, "The rule is in force until then.")}};
}

Section<RuleText> rule_section() {
  using R = RuleText;
  return {
      "[[rule]]",
      "What becomes of stanzas to which no stage objects. Rules are tried in their order and the first that matches "
      "decides; what none matches is refused (`policy.no-rule`). Without any rule the peerings' `stanzas` grant. A "
      "rule "
      "grants only what a peering grants too, and never overrides a stage. Every condition that is written has to "
      "hold.",
      {required(Key<R>{"id", "name", "", "The name of the rule in every record that it decides.", false,
                       [](Reading& in, const toml::node& node, R& out) {
                         if (const auto written = in.name(node)) out.rule.id = written->text;
                       }}),
       required(Key<R>{"text", "one line of text", "", "What the rule is for, for people.", false,
                       [](Reading& in, const toml::node& node, R& out) {
                         if (const auto written = in.title(node)) out.rule.text = written->text;
                       }}),
       side("from", &R::from,
            "Who says it: `\"any\"`, or a list of `\"enclave:NAME\"`, domains, `\"*.DOMAIN\"` (what is under it), "
            "`\"domains:SET\"`, bare JIDs, `\"users:LIST\"`, `\"rooms:LIST\"`; one of them has to fit."),
       side("to", &R::to, "To whom, written as `from` is."),
       of_rule(choice<Rule>("direction", &Rule::both, {{"forward", false}, {"both", true}},
                            "`forward`: from `from` to `to`; `both`: also back.")),
       required(Key<R>{"stanzas", "\"any\" or list", "",
                       "Kinds, or their types: `\"message\"` (`message:normal`, `chat`, `groupchat`, `headline`, "
                       "`error`), `\"presence\"` (`presence:available`, `unavailable`, `subscribe`, `subscribed`, "
                       "`unsubscribe`, `unsubscribed`, `probe`, `error`), `\"iq\"` (`iq:get`, `set`, `result`, "
                       "`error`).",
                       false, read_stanzas}),
       login_key(),
       towards_key(),
       payloads("payload", &R::payload,
                "One of these is in the stanza, at any depth. Each is a namespace (every element of it), "
                "`\"{NAMESPACE}ELEMENT\"`, or one of `body`, `subject`, `thread`, `status`, `show`, `priority`, "
                "`error`, `message`, `presence`, `iq`."),
       payloads("only_payload", &R::only_payload,
                "Nothing but these is in the stanza, at any depth; an element inside one of its own namespace goes "
                "with it. The label, which its stage judges, and the condition of an error need not be named."),
       {"label", "list", "",
        "One of these is its label: `\"none\"`, that it crosses without one, or a table; see `label` below. A stanza "
        "with "
        "other stanzas inside is asked for each of their labels, and crosses only if a rule lets it cross for every "
        "one.",
        false,
        [](Reading& in, const toml::node& node, R& out) {
          auto& matches = out.label.emplace();
          in.each(node, "a list of \"none\" and of tables",
                  [&](const toml::node& element) { read_label_match(in, element, matches); });
        }},
       {"when", "table", "", "When the rule is in force; see `when` below.", false, read_window},
       required(of_rule(choice<Rule>("action", &Rule::action,
                                     {{"release", Action::Release},
                                      {"alter", Action::Alter},
                                      {"answer", Action::Answer},
                                      {"bounce", Action::Bounce},
                                      {"drop", Action::Drop},
                                      {"sever", Action::Sever}},
                                     "`release` lets it cross, `alter` takes out what `remove` or `keep` say and lets "
                                     "it cross, `answer` answers an "
                                     "iq request in the addressee's name, `bounce` refuses it with an error where one "
                                     "may be sent, `drop` lets it "
                                     "vanish, `sever` ends the stream that it came on."))),
       payloads("remove", &R::remove, "What `alter` takes out, wherever it stands; written as `payload` is."),
       payloads("keep", &R::keep, "What `alter` leaves; all else goes. Written as `only_payload` is."),
       answer_key(),
       {"condition", "one of \"policy-violation\", \"service-unavailable\"", "",
        "What the sender of a message that `bounce` refuses is told; without it, what `refused_messages` of the "
        "peering "
        "says. An iq request is always told `service-unavailable`.",
        false, read_condition}}};
}

}  // namespace sallyport::policy::source
