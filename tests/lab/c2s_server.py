"""A hand-made server for clients: it lets everybody in who says the right password, and keeps every element that it gets inside TLS."""

import base64
import queue
import select
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ElementTree

from lab.conversation import CLIENT, STANZAS, Silence, c
from lab.enclaves import C2S_PORT
from lab.xmpp_client import BIND, SASL, STREAM, TLS, Wire

RIGHT = "open sesame"
# More than a guard lets through: ways of logging in and of writing a stream that it does not know, or does not want.
BEFORE_LOGIN = (f"<mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>PLAIN</mechanism>"
                "<mechanism>DIGEST-MD5</mechanism><mechanism>X-OAUTH2</mechanism><mechanism>ANONYMOUS</mechanism></mechanisms>"
                "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>"
                "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline><bind xmlns='urn:xmpp:bind:0'/>"
                "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast></inline></authentication>"
                "<register xmlns='http://jabber.org/features/iq-register'/><auth xmlns='http://jabber.org/features/iq-auth'/>"
                "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>")
AFTER_LOGIN = (f"<bind xmlns='{BIND}'/><sm xmlns='urn:xmpp:sm:2'/>"
               "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
               "<register xmlns='urn:xmpp:invite'/><push xmlns='p1:push'/><unbind xmlns='urn:xmpp:unbind:0'/>")


class ClientServer:
    """Listens at an enclave's server address. `heard`: (number of the connection, element) in the order in which they came.

    refusals: conditions with which the next requests are refused, one each.
    answers: {namespace of what is got: what the result holds}; all others have an empty result.
    """

    def __init__(self, domain, address, certificate):
        self.domain = domain
        self.heard = []
        self.refusals = []
        self.answers = {}
        self._changed = threading.Condition()
        self._connections = []
        self._newest = None
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(str(certificate.certificate), str(certificate.key))
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._server = socket.create_server((address, C2S_PORT), family=family, backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(len(self._connections), connection), daemon=True)
            thread.start()

    def _serve(self, number, connection):
        session = _Session(self, number, connection)
        try:
            session.converse()
        except (OSError, Silence, ElementTree.ParseError):
            pass
        finally:
            session.close()

    def keep(self, number, element):
        with self._changed:
            self.heard.append((number, element))
            self._changed.notify_all()

    def bound(self, session):
        """From now on say() reaches that connection."""
        with self._changed:
            self._newest = session

    def say(self, text):
        """To the client that has bound its resource last."""
        self._newest.hand_over(text)

    def connections(self):
        return len(self._connections)

    def count(self):
        with self._changed:
            return len(self.heard)

    def expect(self, wanted, what, deadline=15, since=0):
        """The first element after the `since`th for which wanted(element) holds."""
        until = time.monotonic() + deadline
        with self._changed:
            while True:
                for _, element in self.heard[since:]:
                    if wanted(element):
                        return element
                left = until - time.monotonic()
                if left <= 0:
                    have = [ElementTree.tostring(element, encoding="unicode")[:200] for _, element in self.heard[since:][-5:]]
                    raise Silence(f"the server of {self.domain} waited for {what}; it has {have}")
                self._changed.wait(left)

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts; closing alone would leave it there
        self._thread.join(10)
        self._server.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class _Session:
    """One connection to the server."""

    def __init__(self, server, number, connection):
        self.sock = connection
        self._server = server
        self._number = number
        self._backlog = []
        self._wire = Wire(connection)
        self._outbox = queue.SimpleQueue()
        self._bell, self._rope = socket.socketpair()

    def hand_over(self, text):
        """Has the connection's own thread say it: a TLS connection is not for two threads at once."""
        self._outbox.put(text)
        self._rope.send(b"!")

    def _read(self):
        """Reads what has come, or says what has been handed over."""
        if self._wire.ended:
            raise Silence("the peer is gone")
        buffered = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        ready = [self.sock] if buffered else select.select([self.sock, self._bell], [], [])[0]
        if self._bell in ready:
            self._bell.recv(1)
            self._say(self._outbox.get())
        if self.sock in ready:
            self._wire.feed_from_socket(1)
            self._backlog.extend(self._wire.elements())

    def _next(self):
        while not self._backlog:
            self._read()
        element = self._backlog.pop(0)
        if isinstance(self.sock, ssl.SSLSocket):
            self._server.keep(self._number, element)
        return element

    def close(self):
        for each in (self.sock, self._bell, self._rope):
            each.close()

    def _say(self, text):
        self.sock.sendall(text.encode())

    def _greet(self, features):
        while self._wire.header is None:
            self._read()
        self._say(f"<?xml version='1.0'?><stream:stream from='{self._server.domain}' id='{self._number}' version='1.0' xml:lang='en' "
                  f"xmlns='{CLIENT}' xmlns:stream='{STREAM}'><stream:features>{features}</stream:features>")

    def converse(self):
        self._greet(f"<starttls xmlns='{TLS}'><required/></starttls>")
        assert self._next().tag == f"{{{TLS}}}starttls"
        self._say(f"<proceed xmlns='{TLS}'/>")
        self.sock = self._server._context.wrap_socket(self.sock, server_side=True)
        self._wire = Wire(self.sock)
        self._greet(BEFORE_LOGIN)
        name = self._login()
        self._wire.restart()
        self._greet(AFTER_LOGIN)
        self._bind(name)
        while True:
            self._answer(self._next())

    def _login(self):
        """PLAIN, until the password is right."""
        while True:
            element = self._next()
            if element.tag == f"{{{SASL}}}auth" and element.get("mechanism") == "PLAIN":
                _, name, password = base64.b64decode(element.text).decode().split("\0")
                if password == RIGHT:
                    self._say(f"<success xmlns='{SASL}'/>")
                    return name
            self._say(f"<failure xmlns='{SASL}'><not-authorized/></failure>")

    def _bind(self, name):
        while self._refuse(request := self._next()):
            pass
        self._server.bound(self)
        resource = request.findtext(f"{{{BIND}}}bind/{{{BIND}}}resource") or "made"
        self._say(f"<iq type='result' id='{request.get('id')}'><bind xmlns='{BIND}'>"
                  f"<jid>{name}@{self._server.domain}/{resource}</jid></bind></iq>")

    def _refuse(self, request):
        if not self._server.refusals:
            return False
        self._say(f"<iq type='error' id='{request.get('id')}'><error type='cancel'><{self._server.refusals.pop(0)} xmlns='{STANZAS}'/>"
                  "</error></iq>")
        return True

    def _answer(self, element):
        if element.tag == c("iq") and element.get("type") in ("get", "set") and not self._refuse(element):
            asked = next((child.tag.partition("}")[0][1:] for child in element if element.get("type") == "get"), None)
            self._say(f"<iq type='result' id='{element.get('id')}'>{self._server.answers.get(asked, '')}</iq>")
