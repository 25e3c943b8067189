"""P-00: a certified gateway went on sending presence to contacts that had been removed. Whatever ends a subscription between two
real servers, in either direction: who watched hears one `unavailable` for each resource that had been shown, and nothing more;
not at once, not from a new resource, not after the guard was killed and has come back.
"""

import pytest

from ends import ENDS, Pair, await_disk, kill, the_operator_revokes, unsubscribe
from lab.enclaves import NORTH, SOUTH
from lab.guard import sanitizer_reports
from lab.laboratory import Laboratory


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(strangers=2 * len(ENDS) + 4, lanes=2) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(scope="module")
def played(laboratory):
    """Gives the pair of an end and a side, brought to that end once."""
    pairs = {}

    def play(end, side):
        if (end, side) not in pairs:
            pair = pairs[end, side] = Pair(laboratory, side)
            pair.told()
            end(laboratory, pair)
        return pairs[end, side]
    return play


BOTH_WAYS = pytest.mark.parametrize("side", [NORTH, SOUTH], ids=lambda enclave: f"{enclave.name}-is-watched")
EVERY_END = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


@BOTH_WAYS
@EVERY_END
def test_P_00_nothing_follows_but_one_unavailable_for_each_resource(laboratory, played, end, side):
    pair = played(end, side)
    for resource in ("desk", "phone"):
        gone = pair.watcher.expect_presence(sender=f"{pair.account.bare}/{resource}", type="unavailable")
        assert not len(gone), "it says more than that"
    pair.leak_on()
    assert pair.told() == []


@pytest.fixture(scope="module")
def killed(laboratory, played):
    """The guard dies, and is there again, when all of it has happened."""
    for end in ENDS:
        for side in (NORTH, SOUTH):
            played(end, side)
    await_disk()
    kill(laboratory)


@BOTH_WAYS
@EVERY_END
def test_P_00_SUB_14_and_nothing_after_the_guard_was_killed(laboratory, played, killed, end, side):
    pair = played(end, side)
    pair.leak_on()
    assert pair.told() == []


@pytest.mark.parametrize("end, side", [(unsubscribe, NORTH), (the_operator_revokes, SOUTH)], ids=["unsubscribe", "the_operator_revokes"])
def test_P_00_who_was_shown_is_taken_back_though_the_guard_was_killed_in_between(laboratory, end, side):
    """It has ended, and the guard is killed before it has said that the resources are gone.

    Neither server says that: Prosody is silent when a watcher unsubscribes, and the operator's revocation no server knows of.
    """
    pair = Pair(laboratory, side)
    await_disk()
    pair.told()
    end(laboratory, pair)
    kill(laboratory)
    pair.hears(pair.desk)
    pair.leak_on()
    assert pair.told() == [("desk", "unavailable"), ("phone", "unavailable")]
