"""An ejabberd as Debian packages it, told only its names, addresses, certificates, resolver and accounts."""

import glob
import os
import pathlib

from lab.enclaves import C2S_PORT, C2S_TLS_PORT, S2S_PORT
from lab.process import Process
from lab.waiting import until_accepting

CONFIGURATION = """
loglevel: {level}
hosts: ["{domain}"]
certfiles: ["{joined}"]
ca_file: "{trust}"
s2s_cafile: "{trust}"
c2s_cafile: "{trust}"
s2s_use_starttls: required
s2s_access: all
s2s_dns_timeout: 5
s2s_max_retry_delay: {retry}
auth_method: internal
disable_sasl_mechanisms: ["X-OAUTH2"]
language: en
acl: {{ local: {{ user_regexp: "" }} }}
access_rules: {{ c2s: {{ allow: all }}, muc_create: {{ allow: all }} }}
listen:
{listeners}
modules:
  mod_disco: {{}}
  mod_roster: {{ versioning: true, store_current_id: true }}
  mod_ping: {{}}
  mod_private: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
  mod_time: {{}}
  mod_carboncopy: {{}}
{archive}  mod_privacy: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_pubsub: {{ plugins: ["flat", "pep"] }}
  mod_stream_mgmt: {{}}
  mod_client_state: {{}}
  mod_http_upload:
    host: "{uploads}"
    put_url: "https://{uploads}/"
    docroot: "{home}/uploads"
    access: all
  mod_muc:
    host: "{rooms}"
    access: all
    access_create: muc_create
    max_users: 500
    default_room_options: {{ anonymous: false }}
"""
ARCHIVE = "  mod_mam: { default: always }\n"
LISTENER = """  - {{ port: {port}, ip: "{ip}", module: {module}, max_stanza_size: 524288{more} }}
"""


class Ejabberd:
    product = "ejabberd"

    def __init__(self, enclave, folder, certificate, trust, accounts, families=(4, 6), level="info", archive=False,
                 by_certificate=False):
        self.enclave = enclave
        self.folder = pathlib.Path(folder)
        self.certificate = certificate
        self.trust = trust
        self.accounts = accounts
        self.families = families
        self.level = level
        self.archive = archive
        self.by_certificate = by_certificate  # clients may log in with a certificate of the authority
        # How long it refuses to try a server again that it could not reach: at random up to so many seconds. Its default of 300
        # is kept for the long form of the tests.
        self.retry = 300 if os.environ.get("SALLYPORT_LONG") == "1" else 2
        self.process = None

    def start(self, doing=""):
        """doing: what Erlang is to do when it has started."""
        home = self.folder / f"ejabberd-{self.enclave.name}"
        (home / "database").mkdir(parents=True, exist_ok=True)
        joined = home / "server.pem"
        joined.touch(mode=0o600)
        joined.write_bytes(self.certificate.certificate.read_bytes() + self.certificate.key.read_bytes())
        asks = ", tls_verify: true" if self.by_certificate else ""
        listeners = "".join(
            LISTENER.format(port=port, ip=self.enclave.server(family), module=module, more=more)
            for family in self.families
            for port, module, more in ((C2S_PORT, "ejabberd_c2s", f", starttls_required: true{asks}"),
                                       (C2S_TLS_PORT, "ejabberd_c2s", f", tls: true{asks}"),
                                       (S2S_PORT, "ejabberd_s2s_in", "")))
        (home / "ejabberd.yml").write_text(CONFIGURATION.format(
            level=self.level, retry=self.retry, domain=self.enclave.domain, rooms=self.enclave.rooms,
            uploads=self.enclave.uploads, archive=ARCHIVE if self.archive else "", home=home, joined=joined, trust=self.trust,
            listeners=listeners))
        # Its DNS look-ups are Erlang's for SRV, and the C library's for addresses: it needs the resolver in both places.
        octets = self.enclave.resolver().replace(".", ",")
        (home / "resolv.conf").write_text(f"nameserver {self.enclave.resolver()}\n")
        # In this order: naming a resolv.conf, even none, forgets the name servers.
        (home / "inetrc").write_text(f'{{resolv_conf, ""}}.\n{{hosts_file, ""}}.\n{{lookup, [file, dns]}}.\n'
                                     f'{{nameserver, {{{octets}}}}}.\n')
        # After a restart the accounts exist, and registering them again changes nothing.
        registering = "".join(f'ejabberd_auth:try_register(<<"{name}">>, <<"{self.enclave.domain}">>, <<"{password}">>), '
                              for name, password in self.accounts.items())
        ready = f'{registering}{doing}io:format("accounts are ready~n").'
        erlang = ["erl", "-noinput", "+P", "250000", "-mnesia", "dir", f'"{home}/database"', "-s", "ejabberd",
                  "-eval", ready]
        bind = f'mount --bind "{home}/resolv.conf" /etc/resolv.conf && exec "$@"'
        self.process = Process(
            f"ejabberd-{self.enclave.name}", ["unshare", "--mount", "bash", "-c", bind, "ejabberd", *erlang], home,
            env={"EJABBERD_CONFIG_PATH": str(home / "ejabberd.yml"), "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
                 "ERL_INETRC": str(home / "inetrc"), "ERL_LIBS": libraries(), "HOME": str(home),
                 "ERL_CRASH_DUMP": str(home / "crash.dump"), "ERL_MAX_PORTS": "32000"})
        self.process.wait_for("accounts are ready", 60)
        for family in self.families:
            for port in (C2S_PORT, C2S_TLS_PORT, S2S_PORT):
                until_accepting(self.enclave.server(family), port, 30, self.process)

    def export(self, folder):
        """Its accounts as XEP-0227 has them; the files. It is started anew for that, as nobody can ask a running one here."""
        folder.mkdir()
        self.stop()
        self.start(f'ok = ejabberd_piefxis:export_server(<<"{folder}">>), ')
        return sorted(folder.glob("*.xml"))

    def stop(self, deadline=15):
        if self.process:
            self.process.stop(deadline)

    def kill(self):
        self.process.kill()


def libraries():
    """The folder that holds Debian's ejabberd-VERSION."""
    return str(pathlib.Path(sorted(glob.glob("/usr/lib/*/ejabberd-*/ebin"))[-1]).parents[1])
