"""Two real servers with the guard between them: every play, both ways, over IPv4 and IPv6, and what happens when a side goes away."""

import os

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import sanitizer_reports
from lab.laboratory import Laboratory
from lab.waiting import until_true
from lab.conversation import c
from plays import PLAYS, chat

LONG = os.environ.get("SALLYPORT_LONG") == "1"
PATIENCE = 400 if LONG else 180  # seconds that a server may take to try again
PAIRS = [("prosody", "ejabberd", 4, 1), ("prosody", "ejabberd", 6, 4)]
if LONG:
    PAIRS += [("ejabberd", "prosody", 4, 4), ("ejabberd", "prosody", 6, 1), ("prosody", "prosody", 4, 1),
              ("ejabberd", "ejabberd", 4, 1)]


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}-ipv{pair[2]}-{pair[3]}-lanes")
def laboratory(request):
    north, south, family, lanes = request.param
    with Laboratory(north, south, (family,), lanes=lanes) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_through_the_guard(laboratory, stage, play):
    before = len(laboratory.guard.records())
    play(stage)
    assert len(laboratory.guard.records()) > before, "something crossed without a line in the audit log"


def heard_again(near, far):
    """A message that arrives, tried again while the servers say that the other side is away."""
    attempts = []

    def once():
        body = f"are you back? {len(attempts)}"
        attempts.append(near.message(far.jid, f"<body>{body}</body>"))
        answer = far_or_error(near, far, attempts[-1], body)
        return answer == "arrived"

    until_true(once, f"a message from {near.jid} to {far.jid}", PATIENCE)


def far_or_error(near, far, id, body):
    """Waits until either the message has arrived or its error has come back."""
    def look():
        for person in (near, far):
            person._read(0.05)
        if any(element.findtext(c("body")) == body and element.get("type") != "error" for element in far.inbox):
            return "arrived"
        if any(element.get("id") == id and element.get("type") == "error" for element in near.inbox):
            return "returned"
        return None
    return until_true(look, "arrival or return", 60)


@pytest.mark.parametrize("enclave", [NORTH, SOUTH], ids=lambda enclave: enclave.name)
def test_a_server_restarts(laboratory, enclave):
    """After a restart, traffic flows again both ways without anybody touching the guard."""
    pids = laboratory.guard.pids()
    laboratory.servers[enclave].stop()
    laboratory.servers[enclave].start()
    near = laboratory.login(NORTH, "romeo", "again")
    far = laboratory.login(SOUTH, "juliet", "again")
    for person in (near, far):
        person.presence()
    heard_again(near, far)
    heard_again(far, near)
    assert laboratory.guard.pids() == pids, "a process of the guard ended"
    near.close()
    far.close()


def test_the_far_side_is_down_and_comes_back(laboratory):
    """While the far server is down its messages come back as errors, none is lost in silence; afterwards they arrive.

    Each failure doubles the time until the guard tries again, so the short form takes one side down in each laboratory.
    """
    people = {NORTH: "romeo", SOUTH: "juliet"}
    for enclave in (NORTH, SOUTH) if LONG else (SOUTH,) if 4 in laboratory.families else (NORTH,):
        near = laboratory.login(other(enclave), people[other(enclave)], "waiting")
        laboratory.servers[enclave].stop()
        sent = near.message(f"{people[enclave]}@{enclave.domain}", "<body>is anybody there?</body>")
        returned = near.expect(lambda element: element.tag == c("message") and element.get("id") == sent, "the error", 60)
        assert returned.get("type") == "error"
        laboratory.servers[enclave].start()
        far = laboratory.login(enclave, people[enclave], "waiting")
        for person in (near, far):
            person.presence()
        heard_again(near, far)
        heard_again(far, near)
        near.close()
        far.close()


def test_all_plays_still_work_at_the_end(laboratory, stage):
    chat(stage)
