"""Sessions whose connections break on either side, and processes that are killed, while stanzas pass and others are refused."""

import os
import random

import pytest

from exchange import Exchange, as_sent, ids, is_refused, refusals
from lab.conversation import STANZAS
from lab.cutter import Cutter
from lab.enclaves import C2S_PORT, NORTH, SOUTH, other
from lab.guard import NEXT_HOP, POLICIES, sanitizer_reports
from lab.laboratory import Laboratory
from lab.resuming_client import SM, ResumingClient

LONG = os.environ.get("SALLYPORT_LONG") == "1"
COUNT = 10_000 if LONG else 250  # messages each way
CUTS = 200 if LONG else 8
KILLED_COUNT = 5_000 if LONG else 150
KILLS = max(int(os.environ.get("SALLYPORT_KILLS", "3")), 3)  # of edges, each at least once; of the guard a quarter
PATIENCE = 1_200 if LONG else 90
CUTTER_PORT = 15_222


@pytest.fixture(scope="module", params=[NORTH, SOUTH], ids=lambda enclave: f"to-{enclave.name}")
def far(request):
    return request.param


@pytest.fixture(scope="module")
def cutter(far):
    """Between the guard and the server of the far enclave."""
    cutter = Cutter(far.stranger(), CUTTER_PORT, (far.server(), C2S_PORT))
    yield cutter
    cutter.close()


@pytest.fixture(scope="module")
def laboratory(far, cutter):
    hop = NEXT_HOP.format(name=far.name, domain=far.domain, targets=f'"{cutter.endpoint}"', service="clients")
    with Laboratory(policy=POLICIES / "refusing.toml", strangers=9, apart=True, tables={far: hop}) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        reports = sanitizer_reports(laboratory.folder)
        assert not reports, reports[0]
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


def exchange(laboratory, far, count):
    away, at_home = laboratory.stranger(far), laboratory.stranger(far)
    roamer = ResumingClient(lambda: laboratory.client_stream(other(far), far), away, "away").enter()
    friend = ResumingClient(lambda: laboratory.client_stream(far, far), at_home, "home").enter()
    return Exchange(roamer, friend, count, PATIENCE)


def check(said, laboratory, far, since):
    """When a session is resumed, ejabberd 23.01 sends what has reached the connection before, and was not sent yet, behind what has reached
    the new one already: without the guard too. There the guard has to keep to the order in which the server has sent it."""
    reorders = laboratory.products[far] == "ejabberd"
    said.assert_each_came_once_and_in_order(as_sent("down", laboratory.guard.records()[since:]) if reorders else None)


def test_SM_02_SM_06_no_stanza_is_lost_or_doubled_by_cuts_on_either_side(laboratory, far, cutter):
    chance = random.Random(8)
    said = exchange(laboratory, far, COUNT)
    since = len(laboratory.guard.records())
    numbers = chance.sample(range(COUNT), CUTS)
    said.run({number: chance.choice([said.roamer.cut, cutter.cut]) for number in numbers[2:]} |
             {numbers[0]: said.roamer.cut, numbers[1]: cutter.cut})
    check(said, laboratory, far, since)
    assert said.roamer.sessions == 1
    # Two cuts may fall into one: the second while the client is still about to resume after the first.
    assert said.roamer.resumptions > CUTS / 2 and cutter.cuts
    # What was refused and came again after a resumption was refused without being judged, recorded and answered anew.
    assert refusals(laboratory.guard.records()[since:]) == {id: 1 for way in ("up", "down") for id in said.refused(way)}
    said.roamer.close()
    said.friend.close()


def test_SM_03_a_session_is_resumed_by_its_own_account_only(laboratory, far):
    since = len(laboratory.guard.records())
    said = exchange(laboratory, far, 10)
    thief = laboratory.stranger(far)
    stream = laboratory.client_stream(other(far), far)
    stream.secure()
    stream.authenticate("SCRAM-SHA-1", thief.name, thief.password)
    stream.open()
    stream.send(f"<resume xmlns='{SM}' previd='{said.roamer.session_id}' h='0'/>")
    assert stream.take(f"{{{SM}}}failed").find(f"{{{STANZAS}}}item-not-found") is not None
    stream.close()
    said.run({5: said.roamer.cut})
    check(said, laboratory, far, since)
    assert said.roamer.sessions == said.roamer.resumptions == 1
    said.roamer.close()
    said.friend.close()


def kill(laboratory, name):
    laboratory.guard.parts[name].kill()
    laboratory.guard.start_part(name)


def test_SM_03_SM_06_no_stanza_is_lost_or_doubled_when_an_edge_is_killed(laboratory, far):
    chance = random.Random(9)
    since = len(laboratory.guard.records())
    said = exchange(laboratory, far, KILLED_COUNT)
    edges = [NORTH.name, SOUTH.name]
    victims = edges + [chance.choice(edges) for _ in range(KILLS - 2)]
    numbers = chance.sample(range(KILLED_COUNT), len(victims))
    said.run({number: lambda name=name: kill(laboratory, name) for number, name in zip(numbers, victims)})
    check(said, laboratory, far, since)
    assert said.roamer.sessions == 1 and said.roamer.resumptions >= 1
    said.roamer.close()
    said.friend.close()


def test_SM_06_no_stanza_is_lost_when_the_guard_is_killed(laboratory, far):
    """Its sessions end with it. What was not acknowledged is said again by the client, and by the server, or comes back as undelivered:
    only that may arrive twice, and nothing is lost without a word."""
    chance = random.Random(10)
    said = exchange(laboratory, far, KILLED_COUNT)
    uncertain = set()

    def kill_guard():
        uncertain.update(said.roamer.unacknowledged_ids())
        kill(laboratory, "guard")

    numbers = chance.sample(range(KILLED_COUNT), max(KILLS // 4, 2))
    said.run({number: kill_guard for number in numbers})
    assert said.roamer.sessions >= 2
    doubled = {id for id in ids(said.friend.heard) if ids(said.friend.heard).count(id) > 1}
    assert doubled <= uncertain, doubled - uncertain
    assert not [id for id in ids(said.friend.heard) + list(said.roamer_heard()) if is_refused(int(id.strip("updown")))]
    said.roamer.close()
    said.friend.close()
