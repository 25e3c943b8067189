"""What is measured: HAProxy as the anchor, and the guard."""

import pathlib
import shutil
import subprocess

from bench import places
from lab.process import Process
from lab.waiting import until_accepting

HAPROXY = """
global
    nbthread 1
    maxconn 9000
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-server-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
    ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend near
    bind {listen} ssl crt {certificates}/north/{far}.pem ca-file {certificates}/north/ca.pem verify required
    default_backend far
frontend clients
    bind {clients} ssl crt {certificates}/north/{far}.pem
    default_backend servers
backend far
    server sink {sink} ssl crt {certificates}/south/{near}.pem ca-file {certificates}/south/ca.pem verify required \
verifyhost {far} sni str({far}) no-ssl-reuse
backend servers
    server sink {sink} ssl ca-file {certificates}/south/ca.pem verify required verifyhost {far} sni str({far}) no-ssl-reuse
"""

POLICY = """
[policy]
name = "benchmark"
{stages}
[enclave.north]
revocation = "off"
{north}
[enclave.south]
revocation = "off"
{south}
[[peering]]
id = "bench"
from = [{from_list}]
to = [{to_list}]
direction = "both"
stanzas = ["message", "presence", "iq"]
{peering}
# What stages judge of a client's session is not built yet; shape and addresses are.
[[login]]
id = "clients"
from = ["north"]
to = [{to_list}]
mechanisms = ["SCRAM-SHA-1"]
stanzas = ["message", "presence", "iq"]
off = ["payload", "label", "presence", "content", "rate"]
"""

# What the stages need: `bare` judges shape and addresses only; `whole` has every stage on, with a label for what comes
# without one, and no limit of rate that would end the measurement.
POLICIES = {
    "bare": ("""
[stages]
off = ["payload", "label", "presence", "content", "rate"]
""", ""),
    "whole": ("""
[rate]
pair_stanzas = 0
pair_octets = 0
user_messages = 0
user_presence = 0
user_iqs = 0

[[content]]
id = "codenames"
action = "refuse"
places = ["body", "subject", "status", "nick", "form", "room", "payload"]
words = ["falcon"]

[label_policy.acme]
file = "{spif}"

[label.internal]
policy = "acme"
classification = "INTERNAL"

[clearance.internal]
policy = "acme"
classes = ["PUBLIC", "INTERNAL"]

[enclave.north.labels]
policy = "acme"
clearances = ["internal"]
label = "internal"

[enclave.south.labels]
policy = "acme"
clearances = ["internal"]
label = "internal"
""", """payloads = "chat"
allow = ["client-facts"]

[peering.labels]
message = "assume"
"""),
}

EDGE = """
[edge.{name}]
listen = ["{listen}"]
{listen_tls}
anchors = ["{certificates}/{name}/ca.pem"]
bind = ["{bind}"]

[edge.{name}.limits]
{limits}
[edge.{name}.client_limits]
{limits}
"""

# Everything comes from one address, and each stream says that it is there once in the time that it is watched (P10).
LIMITS = """connections = 100000
connections_per_address = 100000
attempts_per_minute = 1000000
handshakes = 10000
handshakes_per_address = 10000
keepalive = "30s"
"""


NEXT_HOP = f"""[[edge.{{name}}.next_hop]]
domain = "{{domain}}"
targets = ["{places.SINK}"]
service = "{{service}}"
"""


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu), *command] if cpu is not None else command


def quoted(names):
    return ", ".join(f'"{name}"' for name in names)


def until_open(address, process):
    host, port = address.split(":")
    until_accepting(host, int(port), 20, process)


class HAProxy:
    name = "HAProxy"
    near, clients = places.HAPROXY, places.HAPROXY_CLIENTS
    load_options = ["--blind"]

    def __init__(self, folder, certificates, cpu):
        self.folder, self.certificates, self.cpu = pathlib.Path(folder), certificates, cpu

    def start(self):
        self.folder.mkdir(parents=True)
        file = self.folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(listen=self.near, clients=self.clients, sink=places.SINK, certificates=self.certificates,
                                       near=places.near_domain(0), far=places.far_domain(0)))
        self.process = Process("haproxy", pinned(self.cpu, ["haproxy", "-db", "-f", file]), self.folder)
        for address in (self.near, self.clients):
            until_open(address, self.process)

    def processes(self):
        return [self.process.pid]

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder)


class Guard:
    name = "guard"
    near, clients = places.GUARD_NEAR, places.GUARD_CLIENTS
    load_options = []
    policy = "bare"

    def __init__(self, folder, certificates, cpu):
        self.folder, self.certificates, self.cpu = pathlib.Path(folder), certificates, cpu

    def start(self):
        self.folder.mkdir(parents=True)
        (self.folder / "airlock").mkdir(mode=0o700)
        (self.folder / "policy.toml").write_text(self._policy())
        program = places.build_folder() / "proxy/sallyport"
        subprocess.run([program, "policy", "compile", "policy.toml", "-o", "policy.bundle"], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (self.folder / "sallyport.toml").write_text(self._configuration())
        self.process = Process("sallyport", pinned(self.cpu, [program, "run", "-c", self.folder / "sallyport.toml",
                                                              "--libexec", program.parent]), self.folder)
        for address in (places.GUARD_NEAR, places.GUARD_CLIENTS, places.GUARD_FAR):
            until_open(address, self.process)

    def _policy(self):
        near = [places.near_domain(i) for i in range(places.DOMAINS)]
        far = [places.far_domain(i) for i in range(places.DOMAINS)]
        stages, peering = POLICIES[self.policy]
        return POLICY.format(
            stages=stages.format(spif=places.SPIF), peering=peering,
            north="".join(f'[[enclave.north.domain]]\nname = "{name}"\n' for name in near),
            south="".join(f'[[enclave.south.domain]]\nname = "{name}"\n' for name in far),
            from_list=quoted(near), to_list=quoted(far))

    def _configuration(self):
        parts = ['log_level = "warning"\n'
                 '[guard]\nbundle = "policy.bundle"\nairlock = "airlock"\ncontrol = "airlock/control.sock"\n'
                 '[audit]\ndirectory = "audit"\n']
        for name, listen, own, others in (
                ("north", places.GUARD_NEAR, places.near_domain, places.far_domain),
                ("south", places.GUARD_FAR, places.far_domain, places.near_domain)):
            listen_tls = f'listen_tls = ["{places.GUARD_NEAR_TLS}"]\nlisten_clients = ["{places.GUARD_CLIENTS}"]' \
                if name == "north" else ""
            parts.append(EDGE.format(name=name, listen=listen, listen_tls=listen_tls, certificates=self.certificates,
                                     bind=listen.split(":")[0], limits=LIMITS))
            for index in range(places.DOMAINS):
                file = f"{self.certificates}/{name}/{others(index)}"
                parts.append(f'[[edge.{name}.face]]\ndomain = "{others(index)}"\n'
                             f'certificate = "{file}.pem"\nkey = "{file}.key"\n'
                             + "".join(NEXT_HOP.format(name=name, domain=own(index), service=service)
                                       for service in ("servers", "clients")))
        return "".join(parts)

    def processes(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.stop(20)
        shutil.rmtree(self.folder)
