"""A Prosody as Debian packages it, told only its names, addresses, certificates, resolver and accounts."""

import hashlib
import pathlib
import subprocess

from lab.enclaves import C2S_PORT, C2S_TLS_PORT, S2S_PORT
from lab.process import Process
from lab.waiting import until_accepting

CONFIGURATION = """
run_as_root = true
pidfile = "{home}/prosody.pid"
data_path = "{home}/data"
certificates = "{home}"
interfaces = {{ {interfaces} }}
c2s_ports = {{ {c2s} }}
s2s_ports = {{ {s2s} }}
component_ports = {{}}
c2s_direct_tls_ports = {{ {c2s_tls} }}
s2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{}}
modules_enabled = {{ "disco", "roster", "saslauth", "tls", "ping", "private", "vcard_legacy", "time", "version", "posix", "blocklist", "carbons", "pep", "smacks",
  "csi_simple", "label_features"{archive} }}
modules_disabled = {{ "s2s_auth_dane_in", "dialback" }}
plugin_paths = {{ "{modules}" }}
{authentication}
storage = "internal"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
s2s_timeout = 20
unbound = {{ resolvconf = false, hoststxt = false, forward = "{resolver}", options = {{ ["local-zone:"] = "test. transparent", ["do-not-query-localhost:"] = "no" }} }}
ssl = {{ certificate = "{certificate}", key = "{key}", cafile = "{trust}", capath = false{tls} }}
log = {{ {{ levels = {{ min = "{level}" }}, to = "console" }} }}
VirtualHost "{domain}"
Component "{rooms}" "muc"
Component "{uploads}" "http_file_share"
  http_external_url = "https://{uploads}/"
"""

MODULES = pathlib.Path(__file__).parent / "prosody_modules"
PASSWORDS = 'authentication = "internal_plain"'
PASSWORDS_AND_TOKENS = 'authentication = "tokens"'


def token_of(name):
    """With which the account logs in to a Prosody that takes tokens."""
    return hashlib.sha256(f"token of {name}".encode()).hexdigest()


class Prosody:
    product = "prosody"
    tls = ""  # more of the table `ssl`

    def __init__(self, enclave, folder, certificate, trust, accounts, families=(4, 6), level="info", archive=False,
                 authentication=PASSWORDS, environment=None):
        self.enclave = enclave
        self.folder = pathlib.Path(folder)
        self.certificate = certificate
        self.trust = trust
        self.accounts = accounts
        self.families = families
        self.level = level
        self.archive = archive
        self.authentication = authentication  # of its configuration
        self.environment = environment
        self.process = None

    def start(self):
        home = self.folder / f"prosody-{self.enclave.name}"
        accounts = home / "data" / self.enclave.domain.replace(".", "%2e") / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        for name, password in self.accounts.items():
            (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; ["token"] = "{token_of(name)}"; }};\n')
        configuration = home / "prosody.cfg.lua"
        text = CONFIGURATION.format(
            home=home, c2s=C2S_PORT, c2s_tls=C2S_TLS_PORT, s2s=S2S_PORT, resolver=self.enclave.resolver(), level=self.level,
            interfaces=", ".join(f'"{self.enclave.server(family)}"' for family in self.families),
            certificate=self.certificate.certificate, key=self.certificate.key, trust=self.trust, tls=self.tls,
            domain=self.enclave.domain, rooms=self.enclave.rooms, uploads=self.enclave.uploads,
            modules=MODULES, authentication=self.authentication, archive=', "mam"' if self.archive else "")
        configuration.write_text(text)
        self.process = Process(f"prosody-{self.enclave.name}", ["prosody", "-F", "--config", configuration], self.folder,
                               env=self.environment)
        for family in self.families:
            for port in (C2S_PORT, C2S_TLS_PORT, S2S_PORT):
                until_accepting(self.enclave.server(family), port, 30, self.process)

    def export(self, folder):
        """Its accounts as XEP-0227 has them, written by its own migrator; the files."""
        home = self.folder / f"prosody-{self.enclave.name}"
        folder.mkdir()
        configuration = folder / "migrator.cfg.lua"
        configuration.write_text(
            f'input {{ hosts = {{ ["{self.enclave.domain}"] = {{ "accounts", "roster" }} }}; type = "internal"; path = "{home}/data"; }}\n'
            f'output {{ type = "xep0227"; }}\n')
        # It writes to where Debian has Prosody's data, and nowhere else.
        bind = f'mount --bind "{folder}" /var/lib/prosody && exec "$@"'
        ran = subprocess.run(["unshare", "--mount", "bash", "-c", bind, "migrator", "prosody-migrator", "--root", f"--config={configuration}",
                              "input", "output"], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return sorted(folder.glob("*.xml"))

    def stop(self, deadline=15):
        if self.process:
            self.process.stop(deadline)

    def kill(self):
        self.process.kill()
