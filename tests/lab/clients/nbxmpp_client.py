"""A client made with nbxmpp, for lab.program_client: it logs in as the library does, says what its input says, and tells what it hears.

Arguments: JID PASSWORD ADDRESS PORT starttls|direct TRUST MECHANISM. Lines in: a stanza each. Lines out: see lab.program_client.
"""

import logging
import os
import sys

logging.disable(logging.CRITICAL)

from gi.repository import Gio, GLib  # noqa: E402
from nbxmpp.client import Client  # noqa: E402
from nbxmpp.const import ConnectionProtocol, ConnectionType  # noqa: E402
from nbxmpp.protocol import JID, Iq, Message, Presence  # noqa: E402
from nbxmpp.structs import StanzaHandler  # noqa: E402

KINDS = {"<message": Message, "<presence": Presence, "<iq": Iq}


def tell(what, text=""):
    print(what, text.replace("\n", "&#10;"), flush=True)


class Teller:
    def __init__(self, jid, password, address, port, tls, trust, mechanism):
        database = Gio.TlsFileDatabase.new(trust)
        Gio.TlsBackend.get_default().set_default_database(database)
        self.loop = GLib.MainLoop()
        jid = JID.from_string(jid)
        self.client = Client()
        self.client.set_domain(jid.domain)
        self.client.set_username(jid.localpart)
        self.client.set_resource(jid.resource)
        self.client.set_password(password)
        self.client.set_mechs([mechanism])
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self.client.set_custom_host(host, ConnectionProtocol.TCP, ConnectionType.DIRECT_TLS if tls == "direct" else ConnectionType.START_TLS)
        self.client.subscribe("connected", self.connected)
        for signal in ("disconnected", "connection-failed"):
            self.client.subscribe(signal, self.ended)
        for kind in ("message", "presence", "iq"):
            self.client.register_handler(StanzaHandler(name=kind, callback=self.heard, priority=1))
        self.client.subscribe("stanza-received", self.received)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.listen)
        self.pending = b""
        self.client.connect()

    def connected(self, *_):
        self.client.get_module("Roster").request_roster()
        tell("bound", str(self.client.get_bound_jid()))

    def ended(self, _client, signal, *_):
        domain, error, _ = self.client.get_error()
        refused = "SASL" in str(domain)
        tell("refused" if refused else "ended", str(error or signal))
        self.loop.quit()

    def heard(self, _client, _stanza, _properties):
        pass  # with a handler the library does not answer that nobody is there

    def received(self, _client, _signal, stanza):
        if self.client.get_bound_jid():
            tell("stanza", str(stanza))

    def listen(self, descriptor, _condition):
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            self.client.disconnect()
            return False
        *lines, self.pending = (self.pending + chunk).split(b"\n")
        for line in lines:
            text = line.decode()
            start, kind = next((start, kind) for start, kind in KINDS.items() if text.startswith(start))
            self.client.send_stanza(kind(node=text.replace(start, f"{start} xmlns='jabber:client'", 1)))
        return True


Teller(*sys.argv[1:]).loop.run()
