"""A small XMPP client that hides nothing: every stanza it receives is kept as an element, and it answers nothing by itself.

Blocking, one socket, one thread. Waiting is reading until the wanted stanza has come or the deadline has passed.
"""

import base64
import socket
import ssl
import time
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def c(name):
    """A name of the client namespace."""
    return f"{{{CLIENT}}}{name}"


class Silence(AssertionError):
    """What was awaited did not come within the deadline, or the stream ended."""


class Wire:
    """The reading half of a stream: bytes from a socket to top-level elements."""

    def __init__(self, sock):
        self.sock = sock
        self.restart()

    def restart(self):
        self._parser = ElementTree.XMLPullParser(["start", "end"])
        self._depth = 0
        self.header = None
        self.ended = False

    def elements(self):
        """The top-level elements that are complete by now."""
        for event, element in self._parser.read_events():
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self.header = element
            else:
                self._depth -= 1
                if self._depth == 0:
                    self.ended = True
                elif self._depth == 1:
                    yield element

    def feed_from_socket(self, seconds):
        """Reads once, at most so long; False when nothing came or the connection ended."""
        self.sock.settimeout(max(seconds, 0.001))
        try:
            octets = self.sock.recv(65536)
        except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
            return False
        except OSError:
            octets = b""
        if not octets:
            self.ended = True
            return False
        self._parser.feed(octets)
        return True


class Client:
    """A client of one server, logged in with SASL PLAIN inside TLS."""

    def __init__(self, jid, password, address, trust, resource="lab", port=5222):
        self.bare = jid
        self.name, self.domain = jid.split("@")
        self.jid = f"{jid}/{resource}"
        self._ids = 0
        self.patience = 60  # no wait is longer than this (seconds), whatever it asks for
        self.inbox = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        raw = socket.socket(family, socket.SOCK_STREAM)
        raw.settimeout(10)
        raw.connect((address, port))
        self.sock = raw
        self.wire = Wire(raw)
        self._open()
        self.send(f"<starttls xmlns='{TLS}'/>")
        self._take(f"{{{TLS}}}proceed")
        context = ssl.create_default_context(cafile=str(trust))
        self.sock = context.wrap_socket(raw, server_hostname=self.domain)
        self.wire = Wire(self.sock)
        self._open()
        secret = base64.b64encode(f"\0{self.name}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>")
        self._take(f"{{{SASL}}}success")
        self.wire.restart()
        self._open()
        bound = self.ask("set", f"<bind xmlns='{BIND}'><resource>{escape(resource)}</resource></bind>", to=None)
        self.jid = bound.find(f".//{{{BIND}}}jid").text
        # Servers tell of subscriptions only those who have asked for the roster (RFC 6121 2.1.6).
        self.ask("get", "<query xmlns='jabber:iq:roster'/>", to=None)

    def _open(self):
        self.send(f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' xml:lang='en' "
                  f"xmlns='{CLIENT}' xmlns:stream='{STREAM}'>")
        self._take(f"{{{STREAM}}}features")

    def _take(self, tag, deadline=10):
        return self.expect(lambda element: element.tag == tag, tag, deadline)

    def send(self, text):
        self.sock.settimeout(60)
        self.sock.sendall(text.encode())

    def _read(self, seconds):
        came = self.wire.feed_from_socket(seconds)
        self.inbox.extend(self.wire.elements())
        return came

    def expect(self, wanted, what, deadline=15):
        """Takes the first stanza for which wanted(element) holds out of the inbox, waiting up to the deadline (seconds)."""
        deadline = min(deadline, self.patience)
        until = time.monotonic() + deadline
        seen = 0
        while True:
            for index in range(seen, len(self.inbox)):
                if wanted(self.inbox[index]):
                    return self.inbox.pop(index)
            seen = len(self.inbox)
            left = until - time.monotonic()
            if left <= 0 or self.wire.ended:
                have = "\n  ".join(ElementTree.tostring(element, encoding="unicode")[:300] for element in self.inbox[-10:])
                why = "the stream ended" if self.wire.ended else f"not within {deadline} s"
                raise Silence(f"{self.jid} waited for {what}: {why}; it has\n  {have}")
            self._read(left)

    def nothing(self, unwanted, what, barrier):
        """Fails if something unwanted has come by the time that barrier() has returned."""
        barrier()
        for element in self.inbox:
            assert not unwanted(element), f"{self.jid} got {what}: {ElementTree.tostring(element, encoding='unicode')[:500]}"

    # Stanzas

    def next_id(self):
        self._ids += 1
        return f"lab{self._ids}"

    def message(self, to, inside, kind="chat", more="", id=None):
        id = id or self.next_id()
        attribute = f" type='{kind}'" if kind else ""
        self.send(f"<message to={quoteattr(to)} id='{id}'{attribute}{more}>{inside}</message>")
        return id

    def presence(self, to=None, kind=None, inside=""):
        self.send("<presence" + (f" to={quoteattr(to)}" if to else "") + (f" type='{kind}'" if kind else "") +
                  f">{inside}</presence>")

    def request(self, kind, inside, to):
        id = self.next_id()
        self.send(f"<iq type='{kind}' id='{id}'" + (f" to={quoteattr(to)}" if to else "") + f">{inside}</iq>")
        return id

    def answer_to(self, id, deadline=15):
        return self.expect(lambda element: element.tag == c("iq") and element.get("id") == id and
                           element.get("type") in ("result", "error"), f"the answer to iq {id}", deadline)

    def ask(self, kind, inside, to, deadline=15):
        return self.answer_to(self.request(kind, inside, to), deadline)

    def subscription(self, contact):
        """What the own server's roster says of the contact: none, to, from or both; None: it is not in there."""
        answer = self.ask("get", "<query xmlns='jabber:iq:roster'/>", to=None)
        for item in answer.iter("{jabber:iq:roster}item"):
            if item.get("jid") == contact:
                return item.get("subscription")
        return None

    def reply(self, request, inside="", kind="result"):
        self.send(f"<iq type='{kind}' id={quoteattr(request.get('id'))} to={quoteattr(request.get('from'))}>{inside}</iq>")

    def expect_message(self, deadline=15, **where):
        return self._expect("message", deadline, where)

    def expect_presence(self, deadline=15, **where):
        return self._expect("presence", deadline, where)

    def expect_request(self, deadline=15, **where):
        return self._expect("iq", deadline, where)

    def _expect(self, name, deadline, where):
        """`sender` is matched as a bare or full JID; `type`, `id`, `body` as they stand (None: absent)."""
        def wanted(element):
            if element.tag != c(name):
                return False
            for key, value in where.items():
                if key == "sender":
                    sender = element.get("from") or ""
                    if sender != value and sender.split("/")[0] != value:
                        return False
                elif key == "body":
                    if element.findtext(c("body")) != value:
                        return False
                elif element.get(key) != value:
                    return False
            return True
        return self.expect(wanted, f"{name} {where}", deadline)

    def close(self):
        try:
            self.send("</stream:stream>")
        except OSError:
            pass
        self.sock.close()
