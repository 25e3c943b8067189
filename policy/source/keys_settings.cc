// [stages], [settings] and [limits].
#include "policy/source/key_forms.h"
#include "policy/source/keys.h"

namespace sallyport::policy::source {
namespace {

void read_stages_off(Reading& in, const toml::node& node, StagesText& out) {
  in.each(node, "the names of stages: [\"label\", \"content\"]", [&](const toml::node& element) {
    const auto written = in.text(element, "the name of a stage in quotes");
    if (!written) return;
    const auto wanted = stage(written->text);
    if (!wanted)
      return in.mistake(element.source(), "there is no stage " + quoted(written->text),
                        "the stages are payload, label, presence, content and rate");
    if (*wanted == Stage::Shape || *wanted == Stage::Addressing)
      return in.mistake(element.source(), "the stage '" + written->text + "' can't be switched off", "take it away");
    out.off = static_cast<std::uint8_t>(out.off | 1U << static_cast<unsigned>(*wanted));
  });
}

}  // namespace

Section<StagesText> stages_section() {
  return {"[stages]",
          "Every stanza goes through the stages shape, addressing, payload, label, presence, content and rate. A stage "
          "that this version does not have refuses everything, unless it is switched off here by its name.",
          {{"off", "list of stages", "", "Stages that are switched off. `shape` and `addressing` can't be.", false,
            read_stages_off}}};
}

Section<Settings> settings_section() {
  using S = Settings;
  return {
      "[settings]",
      "How strict the shape of stanzas is seen, and what the record keeps.",
      {choice<S>("unknown_message_type", &S::message_type, {{"relaxed", Unknown::Relaxed}, {"strict", Unknown::Strict}},
                 "A message of unknown type: `relaxed` treats it as normal and writes it without type, `strict` "
                 "refuses it."),
       choice<S>("unknown_attributes", &S::attributes, {{"relaxed", Unknown::Relaxed}, {"strict", Unknown::Strict}},
                 "An attribute that RFC 6120 and 6121 do not define, on a stanza or on its own children: `relaxed` "
                 "takes it out, `strict` refuses the stanza."),
       choice<S>("unknown_payloads", &S::payloads, {{"strip", Unknown::Relaxed}, {"refuse", Unknown::Strict}},
                 "A payload that the guard does not know, or a part of one that its document does not define: `strip` "
                 "takes it out, `refuse` refuses the stanza. An iq is refused in both."),
       choice<S>("transparency", &S::transparency, {{"strict", Transparency::Strict}, {"full", Transparency::Full}},
                 "`strict` takes out of subscriptions all they carry, and of errors all but the condition; `full` "
                 "lets it cross."),
       flag<S>("record_content", &S::record_content, "Whether the audit log keeps the stanzas themselves.")}};
}

Section<Limits> limits_section() {
  using L = Limits;
  return {"[limits]",
          "Sizes are octets. Beyond `leg_octets` the stream ends; beyond the others the stanza is refused.",
          {count<L>("leg_octets", &L::leg_octets, 10'000, 2 * 1024 * 1024 - 64 * 1024, "Largest stanza of any kind."),
           count<L>("message_octets", &L::message_octets, 10'000, 2 * 1024 * 1024, "Largest message."),
           count<L>("presence_octets", &L::presence_octets, 1'000, 2 * 1024 * 1024, "Largest presence."),
           count<L>("iq_octets", &L::iq_octets, 10'000, 2 * 1024 * 1024, "Largest iq."),
           count<L>("body_octets", &L::body_octets, 1'000, 2 * 1024 * 1024, "Largest body of a message."),
           count<L>("errors_per_second", &L::errors_per_second, 1, 10'000,
                    "Errors of the guard's own that one peer gets; beyond that it gets none."),
           count<L>("pairs_per_leg", &L::pairs_per_leg, 1, 256, "Pairs of domains that one stream may be used for.")}};
}

}  // namespace sallyport::policy::source
