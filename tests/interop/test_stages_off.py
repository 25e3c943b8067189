"""A guard that judges nothing but shape and addresses carries whatever two real servers say."""

import pytest

from lab.guard import STAGES_OFF, sanitizer_reports
from lab.laboratory import Laboratory
from plays import PLAYS_OF_ANYTHING


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(lanes=4, policy=STAGES_OFF) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("play", PLAYS_OF_ANYTHING, ids=lambda play: play.__name__)
def test_all_that_is_said_crosses(stage, play):
    play(stage)
