"""The control: the servers find each other directly. What fails here says something about the laboratory, not about the guard."""

import pytest

from lab.enclaves import NORTH, SOUTH
from lab.laboratory import Laboratory
from lab.s2s_peer import Dialler
from plays import PLAYS_OF_ANYTHING


@pytest.fixture(scope="module", params=[4, 6], ids=["ipv4", "ipv6"])
def laboratory(request):
    with Laboratory(direct=True, families=(request.param,)) as laboratory:
        yield laboratory


@pytest.mark.parametrize("play", PLAYS_OF_ANYTHING, ids=lambda play: play.__name__)
def test_without_the_guard(stage, play):
    play(stage)


def test_a_hand_made_server_is_taken_for_one(laboratory):
    """What the attacks are made with can also behave: both real servers take a stanza from it."""
    for near, name, far in ((NORTH, "romeo", SOUTH), (SOUTH, "juliet", NORTH)):
        person = laboratory.login(near, name, "hand")
        family = laboratory.families[0]
        peer = Dialler(near.server(family), far.domain, near.domain, laboratory.certificates[far],
                       laboratory.authorities[near].file).establish()
        peer.send(f"<message from='hand@{far.domain}' to='{person.jid}' type='chat'><body>made by hand</body></message>")
        person.expect_message(sender=f"hand@{far.domain}", body="made by hand")
        peer.close()
        person.close()
