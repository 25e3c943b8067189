"""Hand-made servers for streams between servers: one that dials and says what it likes, one that listens and keeps what it gets."""

import base64
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ElementTree

from lab.conversation import Silence
from lab.xmpp_client import SASL, STREAM, TLS, Wire, condition

SERVER = "jabber:server"
DIALBACK = "jabber:server:dialback"


def s(name):
    """A name of the server namespace."""
    return f"{{{SERVER}}}{name}"


def header(sender, recipient, more=""):
    return (f"<?xml version='1.0'?><stream:stream from='{sender}' to='{recipient}' version='1.0' xml:lang='en' "
            f"xmlns='{SERVER}' xmlns:stream='{STREAM}'{more}>")


class Dialler:
    """A stream to `address`, in `sender`'s name to `recipient`. Each step is a method; send() takes any octets at any time."""

    def __init__(self, address, sender, recipient, certificate=None, trust=None, port=5269, source=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(15)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((address, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sender = sender
        self.recipient = recipient
        self.certificate = certificate
        self.trust = trust
        self.wire = Wire(self.sock)
        self.inbox = []

    def send(self, text, piece=None):
        """Sends text or octets, in pieces of so many octets if asked."""
        octets = text.encode() if isinstance(text, str) else text
        self.sock.settimeout(15)
        for start in range(0, len(octets), piece or max(len(octets), 1)):
            self.sock.sendall(octets[start:start + (piece or len(octets))])

    def take(self, wanted, what, deadline=15):
        until = time.monotonic() + deadline
        while True:
            for index, element in enumerate(self.inbox):
                if wanted(element):
                    return self.inbox.pop(index)
            left = until - time.monotonic()
            if left <= 0 or self.wire.ended:
                have = [ElementTree.tostring(element, encoding="unicode")[:300] for element in self.inbox]
                raise Silence(f"{self.sender} waited for {what}; it has {have}, ended: {self.wire.ended}")
            self.wire.feed_from_socket(left)
            self.inbox.extend(self.wire.elements())

    def take_named(self, tag, deadline=15):
        return self.take(lambda element: element.tag == tag, tag, deadline)

    def open(self, more=""):
        """Sends a header and takes the features."""
        self.wire.restart()
        self.send(header(self.sender, self.recipient, more))
        return self.take_named(f"{{{STREAM}}}features")

    def wrap(self, sni=None):
        """TLS on the open connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.trust:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.trust))
        if self.certificate:
            context.load_cert_chain(str(self.certificate.certificate), str(self.certificate.key))
        self.sock.settimeout(15)
        self.sock = context.wrap_socket(self.sock, server_hostname=sni or self.recipient)
        self.wire = Wire(self.sock)

    def secure(self, sni=None):
        """Header, STARTTLS, TLS, header again; gives the features."""
        self.open()
        self.send(f"<starttls xmlns='{TLS}'/>")
        self.take_named(f"{{{TLS}}}proceed")
        self.wrap(sni)
        return self.open()

    def authenticate(self, authzid=None, deadline=30):
        """SASL EXTERNAL; gives the answer: success, failure, or a stream error."""
        name = base64.b64encode((authzid or self.sender).encode()).decode()
        self.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{name}</auth>")
        return self.take(lambda element: element.tag in (f"{{{SASL}}}success", f"{{{SASL}}}failure", f"{{{STREAM}}}error"),
                         "the outcome of SASL", deadline)

    def establish(self):
        """All steps up to an open stream on which stanzas may be sent."""
        self.secure()
        outcome = self.authenticate()
        assert outcome.tag == f"{{{SASL}}}success", ElementTree.tostring(outcome, encoding="unicode")
        self.open()
        return self

    def ending(self, deadline=15):
        """Reads to the end of the stream: the stream error's condition, or "" for an end without one."""
        until = time.monotonic() + deadline
        while not self.wire.ended and time.monotonic() < until:
            try:
                self.wire.feed_from_socket(until - time.monotonic())
                self.inbox.extend(self.wire.elements())
            except ElementTree.ParseError as error:
                raise AssertionError(f"what came was not XML: {error}") from error
        if not self.wire.ended:
            raise Silence(f"{self.sender}: the stream did not end in {deadline} s")
        for element in self.inbox:
            if element.tag == f"{{{STREAM}}}error":
                return condition(element)
        return ""

    def close(self):
        self.sock.close()


class Listener:
    """A server that accepts any peer that its authority vouches for, and keeps every stanza it receives.

    refuses: it lets nobody authenticate.
    """

    def __init__(self, address, domains, certificate, trust, port=5269, refuses=False):
        self.domains = domains
        self.refuses = refuses
        self.stanzas = []
        self.octets = []  # (monotonic time, octets) as they came on streams that are open
        self.reading = True  # cleared: connections stay open and nothing is read
        self._changed = threading.Condition()
        self._connections = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(str(certificate.certificate), str(certificate.key))
        self._context.load_verify_locations(str(trust))
        self._context.verify_mode = ssl.CERT_REQUIRED
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._server = socket.create_server((address, port), family=family, backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()

    def _serve(self, connection):
        try:
            self._converse(connection)
        except (OSError, Silence, ElementTree.ParseError):
            pass
        finally:
            connection.close()

    def _next(self, wire, backlog, deadline=30):
        until = time.monotonic() + deadline
        while not backlog:
            if wire.ended or time.monotonic() > until:
                raise Silence("the peer is gone")
            wire.feed_from_socket(until - time.monotonic())
            backlog.extend(wire.elements())
        return backlog.pop(0)

    def _header(self, wire, connection, inside):
        while wire.header is None:
            if wire.ended:
                raise Silence("no header")
            wire.feed_from_socket(30)
            list(wire.elements())
        peer = wire.header
        connection.sendall((header(peer.get("to"), peer.get("from"), f" id='{id(wire)}'") +
                            f"<stream:features>{inside}</stream:features>").encode())

    def _converse(self, connection):
        wire = Wire(connection)
        self._header(wire, connection, f"<starttls xmlns='{TLS}'><required/></starttls>")
        assert self._next(wire, []).tag == f"{{{TLS}}}starttls"
        connection.sendall(f"<proceed xmlns='{TLS}'/>".encode())
        secured = self._context.wrap_socket(connection, server_side=True)
        wire = Wire(secured)
        self._header(wire, secured, f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>")
        assert self._next(wire, []).tag == f"{{{SASL}}}auth"
        if self.refuses:
            secured.sendall(f"<failure xmlns='{SASL}'><not-authorized/></failure></stream:stream>".encode())
            return
        secured.sendall(f"<success xmlns='{SASL}'/>".encode())
        wire.restart()
        self._header(wire, secured, "")
        wire.tap = lambda octets: self.octets.append((time.monotonic(), octets))
        with self._changed:
            self._connections.append(secured)
        backlog = []
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.reading)
            stanza = self._next(wire, backlog, 3600)
            with self._changed:
                self.stanzas.append(stanza)
                self._changed.notify_all()

    def expect(self, wanted, what, deadline=15, since=0):
        """The first stanza after the `since`th for which wanted(element) holds."""
        until = time.monotonic() + deadline
        with self._changed:
            while True:
                for element in self.stanzas[since:]:
                    if wanted(element):
                        return element
                left = until - time.monotonic()
                if left <= 0:
                    have = [ElementTree.tostring(element, encoding="unicode")[:200] for element in self.stanzas[since:][-5:]]
                    raise Silence(f"the listener for {self.domains} waited for {what}; it has {have}")
                self._changed.wait(left)

    def count(self):
        with self._changed:
            return len(self.stanzas)

    def pause(self):
        with self._changed:
            self.reading = False

    def resume(self):
        with self._changed:
            self.reading = True
            self._changed.notify_all()

    def cut(self):
        """Breaks every connection."""
        with self._changed:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self._connections.clear()

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts; closing alone would leave it there
        self._thread.join(10)
        self._server.close()
        self.resume()
        self.cut()
