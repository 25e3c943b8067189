"""A small XMPP client that hides nothing: every stanza it receives is kept as an element, and it answers nothing by itself.

Blocking, one socket, one thread. Waiting is reading until the wanted stanza has come or the deadline has passed.
"""

import base64
import dataclasses
import hashlib
import socket
import ssl
import struct
import time
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from lab.conversation import CLIENT, Conversation, Silence
from lab.enclaves import C2S_PORT, C2S_TLS_PORT
from lab.scram import Scram, digest_of

STREAM = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Wire:
    """The reading half of a stream: bytes from a socket to top-level elements."""

    def __init__(self, sock):
        self.sock = sock
        self.tap = None  # called with all octets as they come
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
        if self.tap:
            self.tap(octets)
        self._parser.feed(octets)
        return True


def condition(error):
    """The defined condition of a stream error."""
    for child in error:
        space, _, name = child.tag[1:].partition("}")
        if space == STREAM_ERRORS and name != "text":
            return name
    return "none"


def encoded(octets):
    """As the content of a SASL element: nothing at all is written "=" (RFC 6120 6.4.2)."""
    return base64.b64encode(octets).decode() or "="


@dataclasses.dataclass(frozen=True)
class Way:
    """How a client gets in: by which mechanism, with TLS from the first octet or by STARTTLS, over which IP family."""

    mechanism: str = "PLAIN"
    direct_tls: bool = False
    family: int = 4

    def __str__(self):
        return f"{self.mechanism}-{'direct-tls' if self.direct_tls else 'starttls'}-ipv{self.family}"


class Refused(AssertionError):
    """The server answered SASL with a failure."""

    def __init__(self, failure):
        self.conditions = [child.tag.partition("}")[2] for child in failure if not child.tag.endswith("}text")]
        super().__init__(f"refused: {self.conditions}")


class ClientStream(Conversation):
    """A client's stream of which every step is a method of its own; send() takes any text or octets at any time.

    source: the address that it comes from, if not what the system chooses.
    """

    def __init__(self, domain, address, trust=None, port=None, direct_tls=False, certificate=None, tls_version=None, source=None):
        super().__init__()
        self.domain = domain
        self.jid = f"somebody@{domain}"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if trust:
            self._context.load_verify_locations(str(trust))
        else:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        if certificate:
            self._context.load_cert_chain(str(certificate.certificate), str(certificate.key))
        if tls_version:
            self._context.minimum_version = self._context.maximum_version = tls_version
        self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((address, port or (C2S_TLS_PORT if direct_tls else C2S_PORT)))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = Wire(self.sock)
        if direct_tls:
            self._context.set_alpn_protocols(["xmpp-client"])
            self.wrap()

    # Reading and writing

    @property
    def ended(self):
        return self.wire.ended

    def send(self, text):
        self.sock.settimeout(60)
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def _read(self, seconds):
        came = self.wire.feed_from_socket(seconds)
        self.inbox.extend(self.wire.elements())
        return came

    def take(self, *tags, deadline=15):
        return self.expect(lambda element: element.tag in tags, " or ".join(tags), deadline)

    def ending(self, deadline=15):
        """Reads to the end of the stream: the stream error's condition, or "" for an end without one."""
        until = time.monotonic() + deadline
        while not self.wire.ended and time.monotonic() < until:
            self._read(until - time.monotonic())
        if not self.wire.ended:
            raise Silence(f"{self.jid}: the stream did not end in {deadline} s")
        return next((condition(element) for element in self.inbox if element.tag == f"{{{STREAM}}}error"), "")

    # The steps

    def header(self, more=""):
        return (f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' xml:lang='en' "
                f"xmlns='{CLIENT}' xmlns:stream='{STREAM}'{more}>")

    def open(self, more=""):
        """Sends a header and takes the features."""
        self.wire.restart()
        self.send(self.header(more))
        return self.take(f"{{{STREAM}}}features")

    def wrap(self):
        """TLS on the open connection."""
        self.sock.settimeout(15)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.domain)
        self.wire = Wire(self.sock)

    def secure(self, more=""):
        """Up to the features inside TLS; `more` stands in the header there."""
        if not isinstance(self.sock, ssl.SSLSocket):
            self.open()
            self.send(f"<starttls xmlns='{TLS}'/>")
            self.take(f"{{{TLS}}}proceed")
            self.wrap()
        return self.open(more)

    def begin(self, mechanism, octets):
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{encoded(octets)}</auth>")

    def outcome(self, *also, deadline=15):
        return self.take(f"{{{SASL}}}success", f"{{{SASL}}}failure", f"{{{STREAM}}}error", *also, deadline=deadline)

    def authenticate(self, mechanism, name, password, authzid=None, flag="n", binding=b""):
        """Raises Refused. `flag` and `binding` are for SCRAM (lab.scram)."""
        if mechanism == "PLAIN":
            self.begin(mechanism, f"{authzid or ''}\0{name}\0{password}".encode())
            outcome = self.outcome()
        else:
            scram = Scram(digest_of(mechanism), name, password, flag, binding, authzid)
            self.begin(mechanism, scram.first())
            outcome = self.outcome(f"{{{SASL}}}challenge")
            if outcome.tag == f"{{{SASL}}}challenge":
                self.send(f"<response xmlns='{SASL}'>{encoded(scram.final(base64.b64decode(outcome.text)))}</response>")
                outcome = self.outcome()
                if outcome.tag == f"{{{SASL}}}success":
                    assert scram.is_proved(base64.b64decode(outcome.text)), "the server does not know the password"
        if outcome.tag == f"{{{SASL}}}failure":
            raise Refused(outcome)
        assert outcome.tag == f"{{{SASL}}}success", ElementTree.tostring(outcome)
        self.wire.restart()

    def bind(self, resource=None):
        """Sets jid to what the server gives."""
        inside = f"<resource>{escape(resource)}</resource>" if resource else ""
        bound = self.ask("set", f"<bind xmlns='{BIND}'>{inside}</bind>")
        assert bound.get("type") == "result", ElementTree.tostring(bound)
        self.jid = bound.find(f".//{{{BIND}}}jid").text
        return self.jid

    def close(self):
        try:
            self.send("</stream:stream>")
        except OSError:
            pass
        self.sock.close()

    def cut(self):
        """Breaks the connection by a TCP reset, with nothing said."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def end_point(self):
        """The data of tls-server-end-point (RFC 5929 4.1) for certificates signed with SHA-256."""
        return hashlib.sha256(self.sock.getpeercert(binary_form=True)).digest()


class Client(ClientStream):
    """A client that has logged in, bound a resource and asked for its roster."""

    def __init__(self, jid, password, address, trust, resource="lab", way=Way()):
        self.bare = jid
        self.name, domain = jid.split("@")
        super().__init__(domain, address, trust, direct_tls=way.direct_tls)
        self.jid = f"{jid}/{resource}"
        self.secure()
        self.authenticate(way.mechanism, self.name, password)
        self.features = self.open()
        self.bind(resource)
        # Servers tell of subscriptions only those who have asked for the roster (RFC 6121 2.1.6).
        self.ask("get", "<query xmlns='jabber:iq:roster'/>")
