#include "proxy/guard/shadow.h"

#include "policy/label/xep0258.h"

namespace sallyport::guard {

using policy::Reason;
using policy::Verdict;

namespace {

std::string described(Verdict verdict, Reason reason, std::string_view rule) {
  std::string text(policy::name(verdict));
  text.append(" ").append(policy::code(reason));
  if (!rule.empty()) text.append(" ").append(rule);
  return text;
}

}  // namespace

Shadow::Shadow(std::shared_ptr<const policy::Bundle> bundle, const policy::Memory& memory, std::uint32_t per_second,
               std::string_view resource_key)
    : bundle_(std::move(bundle)), scratch_(memory, {}, resource_key), per_second_(per_second) {}

bool Shadow::may_judge(Steady now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    in_second_ = 0;
  }
  return in_second_++ < per_second_;
}

const policy::Login* Shadow::login(const policy::Crossing& crossing) const {
  const std::string_view enclave = crossing.client->from_client ? crossing.from_enclave : crossing.to_enclave;
  const policy::Domain* domain = bundle_->domain(policy::Address::of_prepared(crossing.client->full).domain);
  return domain != nullptr ? bundle_->login(enclave, *domain) : nullptr;
}

std::string Shadow::compare(const Judged& judged, inspect::Node& other, const Moment& now) {
  if (!may_judge(now.steady)) {
    ++now_.skipped;
    return "";
  }
  ++now_.judged;
  const policy::Judgement& in_force = judged.judgement;
  policy::Crossing crossing = judged.crossing;
  if (crossing.client != nullptr) crossing.login = login(crossing);
  Verdict verdict = Verdict::Drop;
  Reason reason = Reason::LegNotGranted;
  std::string_view rule;
  if (crossing.client == nullptr || crossing.login != nullptr) {
    scratch_.arena.clear();
    const policy::Judgement own =
        policy::judge(other, judged.normal_form.size(), crossing, policy_moment(now), *bundle_, scratch_);
    verdict = own.verdict;
    reason = own.reason;
    rule = own.rule;
  }
  if (policy::lets_leave(verdict) != policy::lets_leave(in_force.verdict)) {
    ++(policy::lets_leave(verdict) ? now_.crosses : now_.refused);
    ++reasons_[policy::lets_leave(verdict) ? in_force.reason : reason];
    return described(verdict, reason, rule);
  }
  if (!policy::lets_leave(verdict)) return "";
  // Ids of requests are drawn by chance, so they differ.
  const auto* id = judged.node.attribute("id");
  if (in_force.facts.kind == policy::Kind::Iq && id != nullptr)
    inspect::TreeEditor(scratch_.arena).set_attribute(other, "id", *id);
  if (policy::label::same_tree(judged.node, other)) return "";
  ++now_.otherwise;
  ++reasons_[reason];
  return described(verdict, reason, rule);
}

void Shadow::Counts::add(const Counts& other) {
  judged += other.judged;
  crosses += other.crosses;
  refused += other.refused;
  otherwise += other.otherwise;
  skipped += other.skipped;
}

Shadow::Counts Shadow::total() const {
  Counts sum = before_;
  sum.add(now_);
  return sum;
}

std::vector<std::pair<std::string, std::string>> Shadow::take_news() {
  std::vector<std::pair<std::string, std::string>> news;
  if (now_.empty()) return news;
  const auto number = [&](std::string_view name, std::uint64_t value) {
    news.emplace_back(name, std::to_string(value));
  };
  news.emplace_back("bundle", bundle_->hash());
  number("judged", now_.judged);
  number("crosses", now_.crosses);
  number("refused", now_.refused);
  number("otherwise", now_.otherwise);
  number("skipped", now_.skipped);
  for (const auto& [reason, count] : reasons_) number(policy::code(reason), count);
  before_.add(now_);
  now_ = {};
  reasons_.clear();
  return news;
}

}  // namespace sallyport::guard
