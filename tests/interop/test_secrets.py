"""Nothing that was said in a login is left in the processes, the logs and the audit files: neither while it goes on, nor afterwards.

Searched on the release build: the sanitizers hold freed memory back on purpose.
"""

import base64
import subprocess
import sys
import time

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import RELEASE, command
from lab.laboratory import Laboratory
from lab.memory import core_limit, found_in_files, found_in_memory
from lab.prosody import PASSWORDS_AND_TOKENS, token_of
from lab.scram import Scram, digest_of
from lab.xmpp_client import SASL, encoded

PLAIN, BEARER, SCRAM_1, SCRAM_256 = "PLAIN", "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256"
ENDINGS = ("let in", "wrong password", "given up", "cut")
ACCOUNTS = 4 * len(ENDINGS)  # in each enclave
PROBE = f"stranger{ACCOUNTS}"  # with which the edge looks whether logins work


LOGIN = """
[[edge.{name}.login]]
domain = "{domain}"
probe = "{account}"
probe_password = "{file}"
"""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("laboratory")
    file = folder / "probe-password"
    table = LOGIN.format(name=NORTH.name, domain=NORTH.domain, account=PROBE, file=file)
    laboratory = Laboratory(strangers=ACCOUNTS, build=RELEASE, folder=folder, tables={NORTH: table},
                            of_north={"authentication": PASSWORDS_AND_TOKENS})
    file.touch(mode=0o600)
    file.write_text(laboratory.accounts[NORTH][PROBE])
    with laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


def processes(laboratory):
    """{what: pid} of everything that `sallyport run` is and has started."""
    children = {f"{name} {number}": pid for name, pids in laboratory.guard.pids().items() for number, pid in enumerate(pids)}
    assert len(children) == 3, children
    return {"sallyport": laboratory.guard.process.pid, **children}


def forms(name, octets):
    """Octets by themselves, and in base64 wherever they begin in it."""
    found = {name: octets}
    for offset in range(3):
        # Letters that hold bits of what stands before or behind are left out.
        text = base64.b64encode(bytes(offset) + octets)
        found[f"{name}, base64 at {offset}"] = text[0 if offset == 0 else 4:len(text) - 4 if (offset + len(octets)) % 3 else len(text)]
    return found


def needles_of(password, messages):
    """The password, and each SASL message; of one with a secret or a proof also the end by itself, where that stands."""
    needles = forms("password", password.encode())
    for number, octets in enumerate(messages):
        needles |= forms(f"message {number}", octets)
        if b"\0" in octets or b"\1" in octets or b",p=" in octets or octets.startswith(b"v="):
            needles |= {f"message {number}, end": octets[-24:], f"message {number}, end of its base64": base64.b64encode(octets)[-28:]}
    return needles


def message_in(element):
    return base64.b64decode(element.text or "")


def log_in(stream, mechanism, account, password, ending, halfway):
    """Goes as far as the ending says. Gives every message that was exchanged; halfway() has the first two, where there are two."""
    if mechanism == PLAIN:
        messages = [f"\0{account.name}\0{password}".encode()]
        stream.begin(PLAIN, messages[0])
    elif mechanism == BEARER:
        messages = [f"n,a={account.bare},\1host={stream.domain}\1auth=Bearer {password}\1\1".encode()]
        stream.begin(BEARER, messages[0])
        if ending in ("wrong password", "given up"):
            messages.append(message_in(stream.take(f"{{{SASL}}}challenge")))
            halfway(messages)
            stream.send(f"<response xmlns='{SASL}'>AQ==</response>" if ending == "wrong password" else f"<abort xmlns='{SASL}'/>")
    else:
        scram = Scram(digest_of(mechanism), account.name, password)
        messages = [scram.first()]
        stream.begin(mechanism, messages[0])
        messages.append(message_in(stream.take(f"{{{SASL}}}challenge")))
        halfway(messages)
        messages.append(scram.final(messages[-1]))
        if ending == "given up":
            stream.send(f"<abort xmlns='{SASL}'/>")
        else:
            stream.send(f"<response xmlns='{SASL}'>{encoded(messages[-1])}</response>")
    if ending == "cut":
        stream.cut()
        return messages
    outcome = stream.outcome()
    assert outcome.tag == f"{{{SASL}}}{'success' if ending == 'let in' else 'failure'}"
    if outcome.text:
        messages.append(message_in(outcome))
    return messages


def until_noticed(laboratory, since):
    """A cut connection's end is on record."""
    laboratory.guard.record_where(lambda record: record["record"] == "event" and record["code"] in ("leg.lost", "leg.closed"),
                                  "the end of the client's leg", since=since)


def assert_nothing_is_left(laboratory, needles):
    """The client may have an answer before the process that wrote it has come to wiping its buffer: that takes no time, but a processor."""
    until = time.monotonic() + 2
    while True:
        left = {(what, name): where for what, pid in processes(laboratory).items() for name, where in found_in_memory(pid, needles).items()}
        if not left or time.monotonic() > until:
            break
    assert not left, left
    files = [laboratory.guard.process.log, *laboratory.guard.audit_folder.iterdir()]
    assert laboratory.guard.records() and not found_in_files(files, needles)


CASES = [(mechanism, ending, far) for mechanism in (PLAIN, SCRAM_1, SCRAM_256, BEARER) for ending in ENDINGS for far in (NORTH, SOUTH)
         if (mechanism, ending) != (PLAIN, "given up")  # PLAIN is one message: nothing is left to give up
         and (mechanism, far) != (BEARER, SOUTH)]  # ejabberd has no such mechanism


@pytest.mark.parametrize("mechanism, ending, far", CASES, ids=lambda value: getattr(value, "name", str(value)).replace(" ", "-"))
def test_nothing_of_a_login_is_left(laboratory, mechanism, ending, far):
    account = laboratory.stranger(far)
    password = account.password if mechanism != BEARER else token_of(account.name)
    if ending == "wrong password" or (mechanism, ending) == (BEARER, "given up"):  # there is nothing to give up but an error
        password = f"not-the-{password}"
    since = len(laboratory.guard.records())
    stream = laboratory.client_stream(other(far), far)
    stream.secure()
    needles = needles_of(password, log_in(stream, mechanism, account, password, ending, halfway=lambda messages:
                                          assert_nothing_is_left(laboratory, needles_of(password, messages))))
    if ending == "let in":
        stream.wire.restart()
        stream.open()
        stream.bind("here")
        assert_nothing_is_left(laboratory, needles)
        # The search sees what these processes hold: who has logged in is known to the guard while the session stands.
        guard = processes(laboratory)["sallyport-guard 0"]
        assert found_in_memory(guard, {"jid": f"{account.bare}/here".encode()})
    elif ending == "cut":
        until_noticed(laboratory, since)
    assert_nothing_is_left(laboratory, needles)
    if ending != "cut":
        stream.close()
        until_noticed(laboratory, since)
        assert_nothing_is_left(laboratory, needles)


def test_nothing_of_the_probes_password_is_left(laboratory):
    command("reload", "-c", laboratory.guard.configuration)
    laboratory.guard.process.wait_for(f"logins to {NORTH.domain}: clients with and without channel binding can log in", 30)
    assert_nothing_is_left(laboratory, forms("password", laboratory.accounts[NORTH][PROBE].encode()))


KEEPER = """
import sys
print("ready", flush=True)
kept = sys.stdin.buffer.readline()
print("kept", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("form", list(needles_of("", [b"\0"])))
def test_the_search_finds_what_is_there(form):
    """The control: a process that holds one of the needles, in octets that it has been sent and does not print."""
    needles = needles_of("correct horse", [b"\0bob\0correct horse"])
    with subprocess.Popen([sys.executable, "-c", KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout.readline() == b"ready\n"
        assert not found_in_memory(keeper.pid, needles)
        keeper.stdin.write(b"before " + needles[form] + b" behind\n")
        keeper.stdin.flush()
        assert keeper.stdout.readline() == b"kept\n"
        assert form in found_in_memory(keeper.pid, needles)
        keeper.stdin.close()


def test_no_process_that_logins_pass_through_may_dump_its_memory(laboratory):
    limits = {what: core_limit(pid) for what, pid in processes(laboratory).items() if what != "sallyport"}
    assert len(limits) == 3 and set(limits.values()) == {("0", "0")}
