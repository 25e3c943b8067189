"""The leak catalogue, both ways between two real servers: each of its plays with the rules on, and again with them off."""

import itertools

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES, POLICY, sanitizer_reports
from lab.laboratory import Laboratory
from leaks import NAMES, PLAYS
from plays import subscribe

OPEN = POLICIES / "leaks-open.toml"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=[POLICY, OPEN], ids=["rules-on", "rules-off"])
def laboratory(request):
    with Laboratory(policy=request.param, strangers=2 * len(PLAYS), lanes=2) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(params=[NORTH, SOUTH], ids=lambda enclave: f"{enclave.name}-is-spied-on")
def scene(request, laboratory):
    scene = Scene(laboratory, request.param)
    yield scene
    scene.close()


class Scene:
    """`spy` and `target`, who have never met, both there; and the record from now on."""

    def __init__(self, laboratory, side):
        self.number = next(numbers)
        self.spy, self.target = (laboratory.client(enclave, laboratory.stranger(enclave)) for enclave in (other(side), side))
        for person in (self.spy, self.target):
            person.presence()
            person.expect_presence(sender=person.jid, type=None)
        self.news = laboratory.guard.news()

    def subscribe(self, watcher, watched):
        subscribe(watcher, watched)
        watcher.expect_presence(sender=watched.jid, type=None)

    def forget(self):
        """What was recorded so far does not count."""
        self.news.look()
        self.news.records.clear()

    def recorded(self, reasons):
        """A record of these two, or of a room between them, for one of the reasons."""
        people = {self.spy.bare, self.target.bare}

        def is_it(record):
            ends = {record.get("from", "").split("/")[0], record.get("to", "").split("/")[0]}
            return bool(ends & people) and bool({record.get("reason"), *record.get("findings", [])} & set(reasons))
        return self.news.await_record(is_it, f"of {people} for one of {reasons}")

    def barrier(self, person):
        """What was on its way to that person has arrived: so has what the guard itself, in the far server's name, says later."""
        far = self.spy if person is self.target else self.target
        answer = person.ask("get", "<ping xmlns='urn:xmpp:ping'/>", far.domain)
        assert answer.get("type") == "result"

    def close(self):
        for person in (self.spy, self.target):
            person.close()


@pytest.mark.parametrize("play", PLAYS, ids=NAMES.get)
def test_only_what_the_rules_let_through_is_seen(laboratory, scene, play):
    leak = play(scene)
    if not laboratory.judged:
        if leak.at is None:
            scene.news.await_record(leak.seen, "the leak")
        else:
            leak.at.expect(leak.seen, "the leak")
        return
    scene.recorded(leak.reasons)
    if leak.instead:
        leak.at.expect(leak.instead, "what is left of it")
    if leak.at is not None:
        scene.barrier(leak.at)
    seen = leak.at.inbox if leak.at is not None else scene.news.look()
    assert not [each for each in seen if leak.seen(each)]
