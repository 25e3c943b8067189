"""P-00 for clients: whatever ends a subscription between two accounts of one real server, the one whose client is across the boundary hears
one `unavailable` for each resource that had been shown to it, and nothing more. The short form takes three of the ends."""

import os

import pytest

from ends import ENDS, Pair, the_operator_revokes
from lab.enclaves import NORTH, SOUTH
from lab.guard import POLICIES
from lab.laboratory import Laboratory

OF_THE_SERVER = [end for end in ENDS if end is not the_operator_revokes]  # that is for pairs between servers
if os.environ.get("SALLYPORT_LONG") != "1":
    OF_THE_SERVER = OF_THE_SERVER[::2]


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(strangers=2 * len(OF_THE_SERVER), policy=POLICIES / "sessions.toml", lanes=2) as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


@pytest.mark.parametrize("side", [NORTH, SOUTH], ids=lambda enclave: f"at-{enclave.name}")
@pytest.mark.parametrize("end", OF_THE_SERVER, ids=lambda end: end.__name__)
def test_P_00_ROS_08_nothing_follows_but_one_unavailable_for_each_resource(laboratory, end, side):
    pair = Pair(laboratory, side, home=side)
    pair.told()
    end(laboratory, pair)
    for resource in ("desk", "phone"):
        gone = pair.watcher.expect_presence(sender=f"{pair.account.bare}/{resource}", type="unavailable")
        assert not len(gone), "it says more than that"
    pair.leak_on()
    assert pair.told() == []
