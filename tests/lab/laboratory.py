"""Brings the two enclaves up, with or without the guard between them, and takes them down again."""

import dataclasses
import itertools
import pathlib
import tempfile

from lab.c2s_server import ClientServer
from lab.certificates import EnclaveAuthority
from lab.dns import Resolver
from lab.ejabberd import Ejabberd
from lab.enclaves import ENCLAVES, NORTH, SOUTH, other
from lab.guard import POLICY, Guard, program
from lab.prosody import Prosody
from lab.s2s_peer import Dialler, Listener
from lab.xmpp_client import Client, ClientStream, Way

PRODUCTS = {"prosody": Prosody, "ejabberd": Ejabberd}
LOGIN = """
[[edge.{name}.login]]
domain = "{domain}"
certificate = "{certificate}"
key = "{key}"
"""
ACCOUNTS = {NORTH: {"romeo": "montague", "benvolio": "montague"}, SOUTH: {"juliet": "capulet", "nurse": "capulet"}}


@dataclasses.dataclass(frozen=True)
class Account:
    name: str
    password: str
    enclave: object

    @property
    def bare(self):
        return f"{self.name}@{self.enclave.domain}"


class Laboratory:
    """Two enclaves.

    north, south: "prosody", "ejabberd", or "hand" for hand-made listeners for servers and for clients (lab.s2s_peer, lab.c2s_server).
    families: the IP families used on every connection between servers and guard.
    direct: the enclaves find each other without a guard, each trusting the other's authority. It is the control that shows that
    servers, DNS and clients of the laboratory work.
    apart: guard and edges are started one by one instead of by `sallyport run`.
    build: folder of the build whose programs are run, other than the usual one (lab.guard.program).
    dns: cleared, the guard is told the servers' addresses in its configuration instead of asking the enclaves' DNS.
    trusted: cleared, the guard's faces come from an authority that no server knows.
    archive: the servers keep what is said (XEP-0313), which slows them down with every message.
    strangers: so many further accounts in each enclave, for stranger() to hand out.
    direct_tls_to: the enclaves whose servers the guard meets with direct TLS when clients log in to them.
    tables: {enclave: TOML} with further tables of the configuration of the guard's edge there.
    by_certificate: south's server (ejabberd) lets clients in whom the guard vouches for with a certificate of its own.
    of_north: further arguments of north's server.
    """

    def __init__(self, north="prosody", south="ejabberd", families=(4,), direct=False, trusted=True, lanes=1, policy=POLICY,
                 limits="", folder=None, level="info", apart=False, dns=True, build=None, strangers=0, archive=False,
                 direct_tls_to=(), tables=None, by_certificate=False, of_north=None):
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="sallyport-lab-")
            folder = self._temporary.name
        self.folder = pathlib.Path(folder)
        self.families = tuple(families)
        self.direct = direct
        self.apart = apart
        self.judged = not direct and policy == POLICY  # the guard's stages are on
        self.products = {NORTH: north, SOUTH: south}
        self.authorities = {enclave: self._authority(enclave.name, f"ca-{enclave.name}") for enclave in ENCLAVES}
        self.certificates = {enclave: self.authorities[enclave].issue_properly(enclave.domains, xmpp_addr=not direct) for enclave in ENCLAVES}
        self.resolvers = {enclave: Resolver(enclave, self.view(enclave), self.folder) for enclave in ENCLAVES}
        self.guard = None if direct else Guard(
            self.folder, self._faces(trusted), self.authorities, self.families, lanes, policy, limits, dns=dns, build=build,
            direct_tls_to=direct_tls_to, tables=self._login_table() if by_certificate else tables,
            client_certificates="optional" if by_certificate else "none")
        self._strangers = {enclave: itertools.count(1) for enclave in ENCLAVES}
        self.accounts = {enclave: {**ACCOUNTS[enclave], **{f"stranger{n}": f"{enclave.name}-secret-{n}" for n in range(1, strangers + 1)}}
                         for enclave in ENCLAVES}
        both = self.folder / "both-authorities.pem"
        both.write_bytes(b"".join(self.authorities[enclave].file.read_bytes() for enclave in ENCLAVES))
        self.servers = {}
        self.listeners = {}
        self.client_servers = {}
        for enclave, product in self.products.items():
            if product in PRODUCTS:
                trust = both if direct else self.authorities[enclave].file
                more = of_north or {} if enclave is NORTH else {"by_certificate": True} if by_certificate else {}
                self.servers[enclave] = PRODUCTS[product](enclave, self.folder, self.certificates[enclave], trust,
                                                          self.accounts[enclave], self.families, level, archive, **more)

    def _faces(self, trusted):
        """For each enclave a certificate for each far domain, from the enclave's authority, or from nobody's."""
        faces = {}
        for enclave in ENCLAVES:
            authority = self.authorities[enclave] if trusted else self._authority("stranger", f"stranger-{enclave.name}")
            # Debian's p1_xmpp 1.6.1, which ejabberd uses, fails on a peer's certificate with an xmppAddr.
            reads_xmpp_addr = self.products[enclave] != "ejabberd"
            faces[enclave] = {domain: authority.issue_properly([domain], reads_xmpp_addr) for domain in other(enclave).domains}
        return faces

    def _authority(self, name, folder):
        return EnclaveAuthority(name, self.folder / folder, program())

    def _login_table(self):
        """What south's edge shows to south's server for clients that have proved themselves by certificate."""
        shown = self.authorities[SOUTH].issue("login", [])
        return {SOUTH: LOGIN.format(name=SOUTH.name, domain=SOUTH.domain, certificate=shown.certificate, key=shown.key)}

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
        if self.guard:
            self.guard.start_apart() if self.apart else self.guard.start()
        for server in self.servers.values():
            server.start()
        for enclave, product in self.products.items():
            if product == "hand":
                self.listeners[enclave] = Listener(enclave.server(self.families[0]), enclave.domains,
                                                   self.certificates[enclave], self.authorities[enclave].file)
                self.client_servers[enclave] = ClientServer(enclave.domain, enclave.server(self.families[0]), self.certificates[enclave])

    def stop(self):
        for listener in (*self.listeners.values(), *self.client_servers.values()):
            listener.close()
        for part in (*self.servers.values(), self.guard, *self.resolvers.values()):
            if part:
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
        """A client of a real server."""
        return Client(f"{name}@{enclave.domain}", ACCOUNTS[enclave][name], enclave.server(self.families[0]),
                      self.authorities[enclave].file, resource)

    def stranger(self, enclave):
        """An account that nobody has used."""
        name = f"stranger{next(self._strangers[enclave])}"
        return Account(name, self.accounts[enclave][name], enclave)

    def entrance(self, enclave, far, family=4):
        """Where clients in an enclave find the server of another, and the authority that vouches for what they find there."""
        if self.direct or enclave is far:
            return far.server(family), self.authorities[far].file
        return enclave.guard(family), self.authorities[enclave].file

    def client(self, enclave, account, resource="lab", way=Way()):
        """A client in an enclave, logged in to an account there or elsewhere."""
        return Client(account.bare, account.password, *self.entrance(enclave, account.enclave, way.family), resource, way)

    def client_stream(self, enclave, far, family=4, **more):
        """A client's connection from an enclave to the server of another, with nothing said yet."""
        address, trust = self.entrance(enclave, far, family)
        return ClientStream(far.domain, address, trust, **more)

    def dialler(self, enclave, sender=None, recipient=None, certificate=None):
        """A hand-made server of the enclave, connected to the guard's face there."""
        return Dialler(enclave.guard(self.families[0]), sender or enclave.domain, recipient or other(enclave).domain,
                       certificate or self.certificates[enclave], self.authorities[enclave].file,
                       source=enclave.stranger(self.families[0]))
