#include "tests/bench/load.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::bench {
namespace {

constexpr std::size_t kRecordOctets = 16 * 1024;
constexpr auto kPatience = std::chrono::seconds(60);  // for anything that has to come about

std::string three_digits(std::size_t index) {
  auto digits = std::to_string(index);
  return std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits;
}

class Deadline {
 public:
  explicit Deadline(std::string what) : what_(std::move(what)) {}
  void check() const {
    if (Clock::now() > end_) throw std::runtime_error("not done in time: " + what_);
  }

 private:
  std::string what_;
  Clock::time_point end_ = Clock::now() + kPatience;
};

}  // namespace

std::string near_domain(std::size_t index) {
  return "n" + three_digits(index) + ".north.test";
}

std::string far_domain(std::size_t index) {
  return "s" + three_digits(index) + ".south.test";
}

std::string chat_message(const std::string& from, const std::string& to, std::size_t octets, std::uint64_t id) {
  auto digits = std::to_string(id % 100'000'000);
  digits.insert(0, 8 - digits.size(), '0');
  std::string text = "<message from='" + from + "' to='" + to + "' type='chat' id='" + digits + "'><body>";
  std::string rest = "</body>";
  const std::array<std::string, 3> extras = {"<thread>e0ffe42b28561960c6b12b944a092794</thread>",
                                             "<request xmlns='urn:xmpp:receipts'/>",
                                             "<active xmlns='http://jabber.org/protocol/chatstates'/>"};
  for (const auto& extra : extras) {
    if (text.size() + rest.size() + extra.size() + kEnd.size() + 8 <= octets) rest += extra;
  }
  rest += kEnd;
  constexpr std::string_view kWords =
      "The quick brown fox jumps over the lazy dog, and nobody in either enclave minds. ";
  while (text.size() + rest.size() < octets) {
    text += kWords.substr(0, std::min(kWords.size(), octets - text.size() - rest.size()));
  }
  return text + rest;
}

Load::Load(const LoadSettings& settings)
    : settings_(settings), poll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_at(settings.sink)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener_;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, listener_, &event);
}

Load::~Load() {
  ::close(listener_);
  ::close(poll_);
}

void Load::open(std::size_t at_once) {
  const Deadline deadline("opening " + std::to_string(settings_.legs) + " legs");
  std::size_t dialled = 0;
  while (near_open_ < settings_.legs || far_open_ < settings_.legs) {
    while (dialled < settings_.legs && dialled < std::min(near_open_, far_open_) + at_once) dial(dialled++);
    turn(100);
    deadline.check();
  }
}

void Load::shake_hands(const std::string& address, std::size_t count, std::size_t at_once) {
  const Deadline deadline("shaking hands");
  std::size_t dialled = 0;
  while (shaken_ < count) {
    for (; dialled < count && dialled < shaken_ + at_once; ++dialled) {
      auto leg = std::make_unique<Leg>(connect_to(address), true);
      leg->only_handshake = true;
      leg->from = near_domain(0);
      leg->to = far_domain(0);
      begin_tls(*leg);
      add(std::move(leg));
    }
    turn(100);
    deadline.check();
  }
}

void Load::send_each(std::size_t count) {
  const auto expected = counted_ + count * senders_.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (auto* const leg : senders_) send(*leg, next_message(*leg));
    turn(0);
  }
  const Deadline deadline("sending a few stanzas on each leg");
  while (counted_ < expected) {
    turn(100);
    deadline.check();
  }
}

void Load::send_paced(double rate, Clock::time_point end) {
  const auto start = Clock::now();
  std::uint64_t sent = 0;
  for (auto now = start; now < end; now = Clock::now()) {
    const auto due = static_cast<std::uint64_t>(rate * std::chrono::duration<double>(now - start).count());
    behind_ = std::max(behind_, due - sent);
    for (std::size_t burst = 0; sent < due && burst < senders_.size(); ++burst) {
      auto* const leg = senders_[turn_++ % senders_.size()];
      if (leg->connection.has_pending()) continue;  // it may not take more; the next leg has its turn
      send(*leg, next_message(*leg));
      ++sent;
    }
    turn(0);
  }
}

void Load::send_packed(Clock::time_point end) {
  while (Clock::now() < end) {
    for (auto* const leg : senders_) {
      if (leg->connection.has_pending()) continue;
      scratch_.clear();
      while (scratch_.size() + settings_.octets <= kRecordOctets) scratch_ += next_message(*leg);
      send(*leg, scratch_);
    }
    turn(0);
  }
}

void Load::idle(Clock::time_point end) {
  while (Clock::now() < end) turn(20);
}

void Load::dial(std::size_t index) {
  const auto near = index % settings_.domains;
  const auto far = (index + index / settings_.domains) % settings_.domains;
  auto leg = std::make_unique<Leg>(connect_to(settings_.near), true);
  leg->to = far_domain(far);
  leg->from = settings_.clients ? "c" + std::to_string(index) + "@" + leg->to : near_domain(near);
  if (settings_.clients) {
    leg->dialogue = std::make_unique<LoginDialogue>(LoginDialogue::Role::Client, leg->from, leg->to, settings_.blind);
  } else if (!settings_.blind) {
    leg->dialogue = std::make_unique<ServerDialogue>(ServerDialogue::Role::Initiator, leg->from, leg->to);
  }
  begin(*leg);
  add(std::move(leg));
}

void Load::accept() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    auto leg = std::make_unique<Leg>(socket, false);
    if (settings_.clients) {
      leg->dialogue = std::make_unique<LoginDialogue>(LoginDialogue::Role::Server, "", "", settings_.blind);
    } else if (!settings_.blind) {
      leg->dialogue = std::make_unique<ServerDialogue>(ServerDialogue::Role::Receiver, "", "");
    }
    begin(*leg);
    add(std::move(leg));
  }
}

/// TLS comes first where the proxy knows nothing else.
void Load::begin(Leg& leg) {
  if (settings_.blind) {
    if (!leg.near) leg.from = far_domain(0);
    return begin_tls(leg);
  }
  leg.state = Leg::State::Talking;
  if (const auto text = leg.dialogue->begin(); !text.empty()) leg.connection.send(text);
}

void Load::begin_tls(Leg& leg) {
  leg.connection.start_tls(context(leg), !leg.near, leg.to);
  leg.state = Leg::State::Handshaking;
}

void Load::add(std::unique_ptr<Leg> leg) {
  const auto socket = static_cast<std::size_t>(leg->connection.socket());
  if (legs_.size() <= socket) legs_.resize(socket + 1);
  auto& added = *leg;
  legs_[socket] = std::move(leg);
  attend(added);
}

void Load::send(Leg& leg, std::string_view octets) {
  leg.connection.send(octets);
  watch(leg);
}

void Load::watch(Leg& leg) {
  const std::uint32_t wanted = EPOLLIN | (leg.connection.wants_to_write() ? EPOLLOUT : 0U);
  if (wanted == leg.watched) return;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = leg.connection.socket();
  ::epoll_ctl(poll_, leg.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, event.data.fd, &event);
  leg.watched = wanted;
}

void Load::turn(int wait_ms) {
  std::array<epoll_event, 128> events;
  const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_ms);
  for (int i = 0; i < count; ++i) {
    const int socket = events[static_cast<std::size_t>(i)].data.fd;
    if (socket == listener_) {
      accept();
    } else if (auto* const leg = legs_[static_cast<std::size_t>(socket)].get()) {
      attend(*leg);
    }
  }
}

void Load::attend(Leg& leg) {
  switch (leg.state) {
    case Leg::State::Handshaking:
      shake(leg);
      if (leg.only_handshake && leg.state == Leg::State::Open) return end(leg);
      break;
    case Leg::State::Talking:
      talk(leg);
      break;
    case Leg::State::Open:
      scratch_.clear();
      if (!leg.connection.flush() || !leg.connection.receive(scratch_, 64 * 1024)) {
        fail(leg, "ended: " + leg.connection.fault() + " " + scratch_);
      }
      heard(leg, scratch_);
      break;
  }
  watch(leg);
}

void Load::shake(Leg& leg) {
  switch (leg.connection.handshake()) {
    case Connection::Progress::Waits:
      return;
    case Connection::Progress::Failed:
      fail(leg, leg.connection.fault());
    case Connection::Progress::Done:
      break;
  }
  if (leg.only_handshake) {
    ++shaken_;
    leg.state = Leg::State::Open;
  } else if (leg.dialogue) {
    leg.state = Leg::State::Talking;
    if (const auto text = leg.dialogue->secured(); !text.empty()) leg.connection.send(text);
    talk(leg);
  } else {
    opened(leg);
  }
}

void Load::talk(Leg& leg) {
  if (!leg.dialogue) return;
  auto& dialogue = *leg.dialogue;
  std::string text;
  if (!leg.connection.flush() || !leg.connection.receive(text, 64 * 1024)) {
    fail(leg, "ended while it was negotiated: " + leg.connection.fault() + " " + dialogue.rest() + text);
  }
  while (true) {
    const auto step = dialogue.hear(std::exchange(text, std::string()));
    if (!step.send.empty()) leg.connection.send(step.send);
    switch (step.then) {
      case Dialogue::Then::Fail:
        fail(leg, dialogue.rest());
      case Dialogue::Then::Open:
        return opened(leg);
      case Dialogue::Then::StartTls:
        if (!leg.near) leg.from = dialogue.from();
        begin_tls(leg);
        return shake(leg);
      case Dialogue::Then::Read:
        break;
    }
    if (step.send.empty()) return;
  }
}

void Load::opened(Leg& leg) {
  leg.state = Leg::State::Open;
  ++(leg.near ? near_open_ : far_open_);
  if (settings_.clients) {
    // The far leg is the server's: it sends for others, to the client that has logged in there.
    const std::string client = (leg.near ? leg.dialogue->from() : leg.dialogue->to()) + "/" + std::string(kResource);
    const std::string friendly = "juliet@" + (leg.near ? leg.dialogue->to() : leg.dialogue->from()) + "/balcony";
    leg.from = leg.near ? client : friendly;
    leg.to = leg.near ? friendly : client;
    senders_.push_back(&leg);
  } else if (leg.near) {
    leg.from = "romeo@" + leg.from + "/orchard";
    leg.to = "juliet@" + leg.to + "/balcony";
    senders_.push_back(&leg);
  }
  if (leg.dialogue) heard(leg, leg.dialogue->rest());
  leg.dialogue.reset();
}

void Load::heard(Leg& leg, const std::string& text) {
  const bool silent = leg.near && !settings_.clients;
  if ((silent && text.find('<') != std::string::npos) || text.find("<stream:error") != std::string::npos)
    fail(leg, "the proxy says " + text);
  const auto heard = leg.hear(text);
  counted_ += heard.stanzas;
  if (heard.wants_ack) leg.connection.send(leg.ack());
}

void Load::end(Leg& leg) {
  const auto socket = static_cast<std::size_t>(leg.connection.socket());
  legs_[socket].reset();
}

void Load::fail(const Leg& leg, const std::string& what) const {
  throw std::runtime_error((leg.near ? "near leg " + leg.from + " > " + leg.to : std::string("far leg")) + ": " + what);
}

/// Clients show no certificate and are not asked for one; servers show theirs, and to each other both do.
SSL_CTX* Load::context(const Leg& leg) {
  const auto folder = settings_.certificates + (leg.near ? "/north/" : "/south/");
  const bool shows = !settings_.clients || !leg.near, asks = !settings_.clients || leg.near;
  auto& found = contexts_[shows ? leg.from : std::string()];
  if (!found) found = tls_context(!leg.near, shows ? folder + leg.from + ".pem" : "", asks ? folder + "ca.pem" : "");
  return found.get();
}

std::string Load::next_message(const Leg& leg) {
  return chat_message(leg.from, leg.to, settings_.octets, ++messages_);
}

}  // namespace sallyport::bench
