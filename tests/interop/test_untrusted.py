"""The control of the control: with a certificate authority behind the guard's faces that no server knows, nothing may work.

If one of these plays succeeded, the servers would not be checking certificates, and the plays with the guard would prove little.
"""

import pytest

from lab.laboratory import Laboratory
from lab.conversation import Silence
from plays import PLAYS


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(trusted=False) as laboratory:
        yield laboratory


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_nothing_works_without_trust(stage, play):
    stage.count = 20
    stage.near.patience = stage.far.patience = 2
    with pytest.raises((Silence, AssertionError)):
        play(stage)
    for person, stranger in ((stage.near, stage.far), (stage.far, stage.near)):
        crossed = [element for element in person.inbox
                   if (element.get("from") or "").startswith(stranger.bare) and element.get("type") != "error"]
        assert not crossed, crossed
