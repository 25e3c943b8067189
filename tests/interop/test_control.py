"""The control: the servers find each other directly. What fails here says something about the laboratory, not about the guard."""

import pytest

from lab.laboratory import Laboratory
from plays import PLAYS


@pytest.fixture(scope="module", params=[4, 6], ids=["ipv4", "ipv6"])
def laboratory(request):
    with Laboratory(direct=True, families=(request.param,)) as laboratory:
        yield laboratory


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_without_the_guard(stage, play):
    play(stage)
