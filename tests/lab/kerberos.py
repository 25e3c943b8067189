"""Kerberos for one enclave: a KDC of MIT's with everything of its own in one folder, and the client's half of SASL GSSAPI.

There are two realms that do not trust each other: that of the enclave, and a stranger's. Both know the accounts and the service,
each by keys of its own; the server has those of the enclave's realm only.
"""

import os
import pathlib
import subprocess

import gssapi

from lab.process import Process
from lab.waiting import until_accepting

PORT = 10088
STRANGE = "STRANGE.TEST"

CLIENT_CONFIGURATION = """
[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1

[realms]
{realms}
"""

KDC_CONFIGURATION = """
[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = {address}:{port}

[realms]
{realms}

[logging]
kdc = STDERR
"""

DATABASE = """{realm} = {{
  database_name = {folder}/{realm}.principals
  key_stash_file = {folder}/{realm}.stash
}}
"""

AUTHENTICATION = """authentication = "cyrus"
cyrus_service_realm = "{domain}"
cyrus_server_fqdn = "{domain}"
"""


class KeyDistributionCentre:
    """For the accounts ({name: password}) of an enclave. While it runs, this process and its children use it (`environment`)."""

    def __init__(self, folder, enclave, accounts):
        self.folder = pathlib.Path(folder)
        self.enclave = enclave
        self.accounts = accounts
        self.realm = enclave.domain.upper()
        self.keytab = self.folder / "server.keytab"
        self.process = None
        self._before = {}
        self.environment = {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
                            "KRB5RCACHENAME": f"file2:{self.folder}/replays", "KRB5CCNAME": f"FILE:{self.folder}/nobodys-tickets"}

    @property
    def of_server(self):
        """What a Prosody needs to let clients in by their tickets, as arguments of it."""
        (self.folder / "prosody.conf").write_text("mech_list: GSSAPI\n")
        return {"authentication": AUTHENTICATION.format(domain=self.enclave.domain),
                "environment": {**self.environment, "KRB5_KTNAME": str(self.keytab), "SASL_CONF_PATH": str(self.folder)}}

    def __enter__(self):
        realms = (self.realm, STRANGE)
        address = self.enclave.server()
        (self.folder / "krb5.conf").write_text(CLIENT_CONFIGURATION.format(
            realm=self.realm, realms="\n".join(f"{realm} = {{\n  kdc = {address}:{PORT}\n}}" for realm in realms)))
        (self.folder / "kdc.conf").write_text(KDC_CONFIGURATION.format(
            address=address, port=PORT, realms="".join(DATABASE.format(realm=realm, folder=self.folder) for realm in realms)))
        self._before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        for realm in realms:
            self._run(["kdb5_util", "-r", realm, "create", "-s", "-P", "master"])
            service = f"xmpp/{self.enclave.domain}@{realm}"
            commands = [f"addprinc -pw {password} {name}@{realm}" for name, password in self.accounts.items()]
            commands += [f"addprinc -randkey {service}"] + ([f"ktadd -k {self.keytab} {service}"] if realm == self.realm else [])
            self._run(["kadmin.local", "-r", realm], "\n".join(commands) + "\n")
        self.process = Process("kdc", ["krb5kdc", "-n", *(word for realm in realms for word in ("-r", realm))], self.folder)
        until_accepting(address, PORT, 30, self.process)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stop()
        for name, value in self._before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

    @staticmethod
    def _run(command, text=""):
        ran = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def ticket(self, name, realm=None):
        """What the account gets for its password: the credentials with which clients log in."""
        principal = gssapi.Name(f"{name}@{realm or self.realm}", gssapi.NameType.kerberos_principal)
        return gssapi.raw.acquire_cred_with_password(principal, self.accounts[name].encode()).creds

    def save_ticket(self, name, file):
        """The same for a program, which finds it by KRB5CCNAME."""
        self._run(["kinit", "-c", str(file), f"{name}@{self.realm}"], self.accounts[name] + "\n")


class Gssapi:
    """The client's half of SASL GSSAPI (RFC 4752 3.1). layer: 1 for no security layer, 4 for confidentiality; authzid: octets.

    layers: those that the server has offered, as bits.
    """

    def __init__(self, credentials, service, realm, layer=1, authzid=b""):
        target = gssapi.Name(f"{service}@{realm}", gssapi.NameType.kerberos_principal)
        self._context = gssapi.SecurityContext(name=target, creds=credentials, usage="initiate",
                                               flags=gssapi.RequirementFlag.mutual_authentication |
                                               gssapi.RequirementFlag.integrity | gssapi.RequirementFlag.confidentiality)
        self.layers = 0
        self._last = bytes([layer, 0, 0, 0] if layer == 1 else [layer, 0, 255, 255]) + authzid

    def first(self):
        return self._context.step()

    def answer(self, challenge):
        if not self._context.complete:
            return self._context.step(challenge) or b""
        self.layers = self._context.unwrap(challenge).message[0]
        return self._context.wrap(self._last, False).message

    def wrapped(self, octets):
        """As they stand on the connection under a security layer (RFC 4422 3.7)."""
        message = self._context.wrap(octets, True).message
        return len(message).to_bytes(4, "big") + message
