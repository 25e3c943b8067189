"""Brings the two enclaves up, with or without the guard between them, and takes them down again."""

import os
import pathlib
import tempfile

from lab.certificates import Authority
from lab.dns import Resolver
from lab.ejabberd import Ejabberd
from lab.enclaves import ENCLAVES, NORTH, SOUTH, other
from lab.prosody import Prosody
from lab.xmpp_client import Client

PRODUCTS = {"prosody": Prosody, "ejabberd": Ejabberd}
ACCOUNTS = {NORTH: {"romeo": "montague", "benvolio": "montague"}, SOUTH: {"juliet": "capulet", "nurse": "capulet"}}


class Laboratory:
    """Servers in both enclaves.

    families: IP families that are used, on every connection between servers and guard.
    direct: the enclaves find each other without a guard; each then trusts the other's authority. It is the control that shows
    that the servers, the DNS and the clients of the laboratory work.
    """

    def __init__(self, north="prosody", south="ejabberd", families=(4,), direct=False, folder=None, level="info"):
        assert os.environ.get("SALLYPORT_ENCLOSED"), "run this under tests/lab/enclosed"
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="sallyport-lab-")
            folder = self._temporary.name
        self.folder = pathlib.Path(folder)
        self.families = tuple(families)
        self.direct = direct
        self.authorities = {enclave: Authority(enclave.name, self.folder / f"ca-{enclave.name}") for enclave in ENCLAVES}
        # The xmppAddr form stays out of what one server shows the other directly: Debian's p1_xmpp 1.6.1 fails on it.
        kinds = ("dns", "srv") if direct else ("dns", "srv", "xmpp")
        self.certificates = {enclave: self.authorities[enclave].issue("server", enclave.domains, kinds)
                             for enclave in ENCLAVES}
        self.resolvers = {}
        self.servers = {}
        both = self.folder / "both-authorities.pem"
        both.write_bytes(b"".join(self.authorities[enclave].file.read_bytes() for enclave in ENCLAVES))
        for enclave, product in ((NORTH, north), (SOUTH, south)):
            trust = both if direct else self.authorities[enclave].file
            self.resolvers[enclave] = Resolver(enclave, self.view(enclave), self.folder)
            self.servers[enclave] = PRODUCTS[product](enclave, self.folder, self.certificates[enclave], trust,
                                                      ACCOUNTS[enclave], self.families, level)

    def view(self, enclave):
        """What the enclave's DNS says: its own domains at its server, the others at the guard's face (or, direct, where they are)."""
        far = other(enclave)
        there = far.server if self.direct else enclave.guard
        view = {domain: [enclave.server(family) for family in self.families] for domain in enclave.domains}
        view.update({domain: [there(family) for family in self.families] for domain in far.domains})
        return view

    def start(self):
        for resolver in self.resolvers.values():
            resolver.start()
        for server in self.servers.values():
            server.start()

    def stop(self):
        for part in (*self.servers.values(), *self.resolvers.values()):
            part.stop()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def login(self, enclave, name, resource="lab"):
        return Client(f"{name}@{enclave.domain}", ACCOUNTS[enclave][name], enclave.server(self.families[0]),
                      self.authorities[enclave].file, resource)
