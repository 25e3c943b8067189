"""The guard as an operator would run it: certificates, policy, configuration, `sallyport run`, and its audit log."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from lab.enclaves import C2S_PORT, C2S_TLS_PORT, ENCLAVES, S2S_PORT, other
from lab.process import Process
from lab.waiting import until_accepting, until_true

ROOT = pathlib.Path(__file__).resolve().parents[2]

POLICIES = ROOT / "tests" / "lab" / "policies"
POLICY = POLICIES / "laboratory.toml"  # an ordinary one
SPIFS = ROOT / "tests" / "policy" / "label" / "data" / "policies"  # those that a policy names
STAGES_OFF = POLICIES / "stages-off.toml"

EDGE = """
[edge.{name}]
listen = [{servers}]
listen_clients = [{clients}]
listen_clients_tls = [{clients_tls}]
direct_tls = {direct_tls}
client_certificates = "{client_certificates}"
anchors = ["{anchor}"]
crls = ["{revoked}"]
resolvers = [{resolvers}]
local_addresses = true
bind = [{bind}]
lanes = {lanes}

[edge.{name}.limits]
{limits}

[edge.{name}.client_limits]
{client_limits}
"""

FACE = """
[[edge.{name}.face]]
domain = "{domain}"
certificate = "{certificate}"
key = "{key}"
"""


NEXT_HOP = """
[[edge.{name}.next_hop]]
domain = "{domain}"
targets = [{targets}]
service = "{service}"
"""

# All clients of a play come from one address.
CLIENT_LIMITS = """
connections_per_address = 1000
attempts_per_minute = 100000
handshakes_per_address = 100
"""


RELEASE = ROOT / "build" / "release"


def program(name="sallyport", build=None):
    """A program of a build: the one named, or the one of SALLYPORT_BUILD, or the release build."""
    return pathlib.Path(build or os.environ.get("SALLYPORT_BUILD", RELEASE)).resolve() / "proxy" / name


def command(*words, check=True):
    """Runs `sallyport WORDS...` to its end."""
    ran = subprocess.run([str(program()), *map(str, words)], capture_output=True, text=True, timeout=60)
    if check and ran.returncode != 0:
        raise AssertionError(f"sallyport {' '.join(map(str, words))}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran


class Guard:
    """faces: for each enclave, {far domain: Certificate} to show there. authorities: for each enclave, the one it trusts.

    direct_tls_to: the enclaves whose servers are met with direct TLS where their DNS names it.
    tables: {enclave: TOML} with further tables of an enclave's edge.
    client_certificates: whether clients are asked for one: "none", "optional" or "required".
    """

    def __init__(self, folder, faces, authorities, families=(4,), lanes=1, policy=POLICY, limits="", client_limits=CLIENT_LIMITS,
                 dns=True, direct_tls_to=(), tables=None, client_certificates="none", build=None):
        self.folder = pathlib.Path(folder)
        self.faces = faces
        self.authorities = authorities
        self.families = families
        self.lanes = lanes
        self.policy = policy
        self.limits = limits
        self.client_limits = client_limits
        self.dns = dns
        self.direct_tls_to = direct_tls_to
        self.tables = tables or {}
        self.client_certificates = client_certificates
        self.build = build
        self.process = None
        self.parts = {}
        self.configuration = self.folder / "sallyport.toml"
        self.audit_folder = self.folder / "audit"
        self.state = self.folder / "state"
        self.policy_file = self.folder / "policy.toml"
        self.bundle = self.folder / "policy.bundle"

    def write_files(self):
        self.audit_folder.mkdir(exist_ok=True)
        airlock = self.folder / "airlock"
        airlock.mkdir(exist_ok=True, mode=0o700)
        self.state.mkdir(exist_ok=True, mode=0o700)
        self.policy_file.write_text(self.policy.read_text())
        for name in re.findall(r'^file = "([^"/]+-spif\.xml)"', self.policy.read_text(), re.MULTILINE):
            shutil.copy(SPIFS / name, self.folder)
        command("policy", "compile", self.policy_file, "-o", self.bundle)
        parts = [f'log_level = "debug"\npid_file = "{self.folder}/sallyport.pid"\n',
                 f'[guard]\nbundle = "{self.bundle}"\npolicy = "{self.policy_file}"\nairlock = "{airlock}"\n'
                 f'control = "{airlock}/control.sock"\nstate = "{self.state}"\nlanes = {self.lanes}\n',
                 f'[audit]\ndirectory = "{self.audit_folder}"\n']
        for enclave in ENCLAVES:
            addresses = [enclave.guard(family) for family in self.families]
            parts.append(EDGE.format(
                name=enclave.name, anchor=self.authorities[enclave].file, revoked=self.authorities[enclave].revoked,
                resolvers=f'"{enclave.resolver()}:53"' if self.dns else "", lanes=self.lanes,
                servers=endpoints(addresses, S2S_PORT), clients=endpoints(addresses, C2S_PORT),
                clients_tls=endpoints(addresses, C2S_TLS_PORT), direct_tls=str(enclave in self.direct_tls_to).lower(),
                client_certificates=self.client_certificates,
                bind=", ".join(f'"{address}"' for address in addresses), limits=self.limits, client_limits=self.client_limits))
            if not self.dns:
                servers = [enclave.server(family) for family in self.families]
                hops = [(domain, S2S_PORT, "servers") for domain in enclave.domains] + [(enclave.domain, C2S_PORT, "clients")]
                parts += [NEXT_HOP.format(name=enclave.name, domain=domain, targets=endpoints(servers, port), service=service)
                          for domain, port, service in hops]
            parts.append(self.tables.get(enclave, ""))
            for domain in other(enclave).domains:
                face = self.faces[enclave][domain]
                parts.append(FACE.format(name=enclave.name, domain=domain, certificate=face.certificate, key=face.key))
        self.configuration.write_text("".join(parts))

    def start(self):
        self.write_files()
        self.launch()

    def launch(self):
        sallyport = program("sallyport", self.build)
        words = [sallyport, "run", "-c", self.configuration, "--libexec", sallyport.parent]
        self.process = Process("sallyport", words, self.folder, env=sanitizer_settings(self.folder))
        self.wait_until_open()

    def start_apart(self):
        """Guard and edges as processes of their own, the way systemd's units start them; self.parts holds them by name."""
        self.write_files()
        self.parts = {}
        for name in ("guard", *(enclave.name for enclave in ENCLAVES)):
            self.start_part(name)
        self.wait_until_open()

    def start_part(self, name):
        words = ["sallyport-guard"] if name == "guard" else ["sallyport-edge", "--enclave", name]
        self.parts[name] = Process(f"part-{name}", [program(words[0], self.build), "--config", self.configuration, *words[1:]], self.folder,
                                   env=sanitizer_settings(self.folder))

    def wait_until_open(self, deadline=60):
        for enclave in ENCLAVES:
            for family in self.families:
                for port in (S2S_PORT, C2S_PORT, C2S_TLS_PORT):
                    until_accepting(enclave.guard(family), port, deadline, self.process)

    def stop(self):
        """The exit status; of several processes the worst. Edges end first, with the guard's help."""
        order = [name for name in self.parts if name != "guard"] + ["guard"] if self.parts else []
        processes = [self.parts[name] for name in order] + ([self.process] if self.process else [])
        self.parts = {}
        self.process = None
        return max((abs(process.stop(30)) for process in processes), default=0)

    def pids(self):
        """{program name: [pid]} of the guard and the edges that `sallyport run` has started."""
        found = {}
        for child in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                name = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/", 1)[-1]
            except OSError:
                continue
            found.setdefault(name, []).append(int(child))
        return found

    def records(self):
        """Every whole line of the audit log, as dictionaries, oldest first."""
        lines = []
        for segment in sorted(self.audit_folder.iterdir()):
            if segment.suffix not in (".jsonl", ".log"):
                continue
            for line in segment.read_bytes().split(b"\n")[:-1]:
                lines.append(json.loads(line))
        return lines

    def record_where(self, wanted, what, deadline=10, since=0):
        """The first record after the `since`th for which wanted(record) holds."""
        def look():
            return next((record for record in self.records()[since:] if wanted(record)), None)
        return until_true(look, f"an audit line: {what}", deadline)

    def news(self):
        """The records that are written from now on."""
        return News(self.audit_folder)

    def ledger(self, *words):
        """`sallyport ledger WORDS...`; what it prints."""
        return command("ledger", words[0], "-c", self.configuration, *words[1:]).stdout

    def verify(self):
        return command("audit", "verify", self.audit_folder, check=False)

    def end_well(self, pids):
        """Stops it; fails unless its processes were those still, no sanitizer has anything to say, and the log is whole."""
        assert self.pids() == pids, "a process of the guard ended"
        self.stop()
        reports = sanitizer_reports(self.folder)
        assert not reports, reports[0]
        verified = self.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


class News:
    """Follows an audit log from where it stands now, reading each line once."""

    def __init__(self, folder):
        self._folder = folder
        self._read = {}
        self.records = []
        self.look()
        self.records.clear()

    def look(self):
        """Adds to `records` what has been written since; gives all of them."""
        for segment in sorted(self._folder.glob("*.jsonl")):
            offset = self._read.get(segment.name, 0)
            with open(segment, "rb") as log:
                log.seek(offset)
                whole = log.read().rpartition(b"\n")[0]
            self._read[segment.name] = offset + len(whole) + 1 if whole else offset
            self.records.extend(json.loads(line) for line in whole.split(b"\n") if line)
        return self.records

    def await_record(self, wanted, what, deadline=15):
        """The first record for which wanted(record) holds."""
        return until_true(lambda: next((record for record in self.look() if wanted(record)), None), f"an audit line: {what}", deadline)


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def endpoints(addresses, port):
    """The items of a list of addresses with port."""
    return ", ".join(f'"{bracketed(address)}:{port}"' for address in addresses)


def resident_octets(pid):
    """Memory that a process holds now."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def sanitizer_settings(folder):
    """Reports of the sanitizers go to files, so that the tests find them whatever becomes of the output.

    Leaks are looked for in the unit tests: here the programs have given up ptrace, which that needs.
    """
    return {"ASAN_OPTIONS": f"log_path={folder}/asan:detect_stack_use_after_return=1:detect_leaks=0:exitcode=99",
            "UBSAN_OPTIONS": f"log_path={folder}/ubsan:print_stacktrace=1",
            "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19"}


def sanitizer_reports(folder):
    return [path.read_text(errors="replace") for path in sorted(pathlib.Path(folder).glob("*san.*"))]
