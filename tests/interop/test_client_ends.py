"""P-00 for clients: whatever ends a subscription between two accounts of one real server, the one whose client is across the boundary hears
one `unavailable` for each resource that had been shown to it, and nothing more. The short form takes three of the ends."""

import os

import pytest

from ends import ENDS, Pair, remove, the_operator_revokes
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES
from lab.laboratory import Laboratory
from plays import subscribe

OF_THE_SERVER = [end for end in ENDS if end is not the_operator_revokes]  # that is for pairs between servers
if os.environ.get("SALLYPORT_LONG") != "1":
    OF_THE_SERVER = OF_THE_SERVER[::2]


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(strangers=2 * len(OF_THE_SERVER) + 6, policy=POLICIES / "sessions.toml", lanes=2) as laboratory:
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


class Neighbours:
    """Two people in one enclave, of whom one has its account in the other; they are subscribed both ways, server to server."""

    def __init__(self, laboratory, side):
        self.roamer = laboratory.client(side, laboratory.stranger(other(side)))
        self.neighbour = laboratory.client(side, laboratory.stranger(side))
        for person in (self.roamer, self.neighbour):
            person.presence()
        subscribe(self.roamer, self.neighbour)
        subscribe(self.neighbour, self.roamer)


def unsubscribed(roamer, contact):
    roamer.presence(contact, "unsubscribed")


def unsubscribe(roamer, contact):
    roamer.presence(contact, "unsubscribe")


@pytest.mark.parametrize("end", [unsubscribed, unsubscribe, remove], ids=lambda end: end.__name__)
@pytest.mark.parametrize("side", [NORTH, SOUTH], ids=lambda enclave: f"in-{enclave.name}")
def test_SUB_08_SUB_13_the_end_is_told_to_a_contact_across_the_boundary(laboratory, side, end):
    """A session's word closes the pair between servers before its server's word is there: that one crosses all the same."""
    both = Neighbours(laboratory, side)
    end(both.roamer, both.neighbour.bare)
    told = {unsubscribed: ["unsubscribed"], unsubscribe: ["unsubscribe"], remove: ["unsubscribe", "unsubscribed"]}[end]
    for word in told:
        both.neighbour.expect_presence(sender=both.roamer.bare, type=word)
