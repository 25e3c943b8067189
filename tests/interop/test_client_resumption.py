"""A client's connection breaks again and again while both sides talk: nothing is lost, nothing comes twice, the order holds."""

import os
import random
import time

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.resuming_client import ResumingClient

LONG = os.environ.get("SALLYPORT_LONG") == "1"
COUNT = 10_000 if LONG else 400  # messages each way
CUTS = 200 if LONG else 8
PATIENCE = 600 if LONG else 60


@pytest.fixture(scope="module")
def laboratory(client_laboratory):
    with client_laboratory(strangers=2) as laboratory:
        yield laboratory


@pytest.fixture(params=[NORTH, SOUTH], ids=lambda enclave: f"to-{enclave.name}")
def far(request):
    return request.param


def said(recipient, prefix, number):
    return f"<message to='{recipient}' type='chat' id='{prefix}{number}'><body>{number}</body></message>"


def converse(roamer, friend, count, cut_after, cut):
    """Both say `count` messages to each other, with a cut after each of the numbers in cut_after."""
    to = f"{roamer.account.bare}/away"
    until = time.monotonic() + PATIENCE
    number = 0
    while len(friend.heard) < count or heard_by(roamer) < count or roamer.outstanding:
        if number < count:
            roamer.say(said(friend.account.bare + "/home", "up", number))
            friend.say(said(to, "down", number))
            if number in cut_after:
                cut(number)
            number += 1
        elif roamer.outstanding:
            roamer.ask_for_acknowledgement()
        roamer.listen(0.0 if number < count else 0.05)
        friend.listen(0.0)
        assert time.monotonic() < until, (len(friend.heard), len(roamer.heard), roamer.outstanding, roamer.resumptions)


def heard_by(client):
    return sum(1 for _, id in client.heard if id.startswith("down"))


def test_SM_03_SM_06_a_client_that_is_cut_off_resumes(laboratory, far):
    chance = random.Random(8)
    account, friendly = laboratory.stranger(far), laboratory.stranger(far)
    roamer = ResumingClient(lambda: laboratory.client_stream(other(far), far), account, "away").enter()
    friend = ResumingClient(lambda: laboratory.client_stream(far, far), friendly, "home").enter()
    cuts = set(chance.sample(range(COUNT), CUTS))
    converse(roamer, friend, COUNT, cuts, lambda _: roamer.cut())
    assert roamer.resumptions >= CUTS and roamer.sessions == 1 and friend.sessions == 1
    assert [id for _, id in friend.heard] == [f"up{number}" for number in range(COUNT)]
    assert [id for _, id in roamer.heard] == [f"down{number}" for number in range(COUNT)]
    assert not roamer.errors and not friend.errors
    roamer.close()
    friend.close()
