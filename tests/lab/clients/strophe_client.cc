// A client made with libstrophe, for lab.program_client: it logs in as the library does, says what its input says, and
// tells what it hears.
//
// Arguments: JID PASSWORD ADDRESS PORT starttls|direct TRUST. Lines in: a stanza each. Lines out: see
// lab.program_client.
#include <cerrno>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <strophe.h>
#include <unistd.h>

namespace {

struct Teller {
  xmpp_ctx_t* context = nullptr;
  xmpp_conn_t* connection = nullptr;
  std::string pending;
  bool ended = false;
};

void tell(const char* what, std::string text) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "&#10;");
  std::printf("%s %s\n", what, text.c_str());
  std::fflush(stdout);
}

int heard(xmpp_conn_t*, xmpp_stanza_t* stanza, void* data) {
  auto& teller = *static_cast<Teller*>(data);
  char* text = nullptr;
  std::size_t size = 0;
  if (xmpp_stanza_to_text(stanza, &text, &size) == XMPP_EOK) {
    tell("stanza", std::string(text, size));
    xmpp_free(teller.context, text);
  }
  return 1;
}

void changed(xmpp_conn_t* connection, xmpp_conn_event_t event, int, xmpp_stream_error_t* error, void* data) {
  auto& teller = *static_cast<Teller*>(data);
  if (event == XMPP_CONN_CONNECT) {
    xmpp_handler_add(connection, heard, nullptr, nullptr, nullptr, data);
    xmpp_send_raw_string(connection, "%s", "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    tell("bound", xmpp_conn_get_bound_jid(connection));
    return;
  }
  tell("ended", error != nullptr ? std::to_string(error->type) : "without a stream error");
  teller.ended = true;
}

/// Says the whole lines that have come. False: the input has ended.
bool say(Teller& teller) {
  char chunk[65536];
  while (true) {
    const auto size = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (size == 0) return false;
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    teller.pending.append(chunk, static_cast<std::size_t>(size));
    for (auto end = teller.pending.find('\n'); end != std::string::npos; end = teller.pending.find('\n')) {
      xmpp_send_raw(teller.connection, teller.pending.data(), end);
      teller.pending.erase(0, end + 1);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) return 2;
  xmpp_initialize();
  Teller teller;
  teller.context = xmpp_ctx_new(nullptr, nullptr);
  teller.connection = xmpp_conn_new(teller.context);
  const bool direct = std::string(arguments[5]) == "direct";
  xmpp_conn_set_flags(teller.connection, direct ? XMPP_CONN_FLAG_LEGACY_SSL : XMPP_CONN_FLAG_MANDATORY_TLS);
  xmpp_conn_set_cafile(teller.connection, arguments[6]);
  xmpp_conn_set_jid(teller.connection, arguments[1]);
  xmpp_conn_set_pass(teller.connection, arguments[2]);
  const auto port = static_cast<unsigned short>(std::stoi(arguments[4]));
  if (xmpp_connect_client(teller.connection, arguments[3], port, changed, &teller) != XMPP_EOK) return 1;
  ::fcntl(STDIN_FILENO, F_SETFL, ::fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  bool talking = true;
  while (!teller.ended) {
    xmpp_run_once(teller.context, 5);
    if (talking && xmpp_conn_is_connected(teller.connection) != 0 && !say(teller)) {
      talking = false;
      xmpp_disconnect(teller.connection);
    }
  }
  xmpp_conn_release(teller.connection);
  xmpp_ctx_free(teller.context);
  xmpp_shutdown();
  return 0;
}
