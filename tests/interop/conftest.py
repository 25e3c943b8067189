"""The laboratory for the tests of this folder. They run under tests/lab/enclosed."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab.enclaves import NORTH, SOUTH  # noqa: E402
from lab.laboratory import Laboratory  # noqa: E402
from plays import Stage  # noqa: E402

PEOPLE = {"north to south": (NORTH, "romeo", SOUTH, "juliet"), "south to north": (SOUTH, "juliet", NORTH, "romeo")}


@pytest.fixture(params=list(PEOPLE), ids=lambda way: way.replace(" ", "-"))
def stage(request, laboratory):
    """Two people logged in, either of them the one who speaks first."""
    near_enclave, near, far_enclave, far = PEOPLE[request.param]
    with_rooms = far_enclave.rooms
    people = [laboratory.login(near_enclave, near), laboratory.login(far_enclave, far)]
    yield Stage(*people, with_rooms, laboratory.judged)
    for person in people:
        person.close()


# The control comes first: what fails directly says something about servers and clients, not about the guard.
FORMS = ["direct", "guarded"]


@pytest.fixture(scope="module", params=FORMS)
def client_laboratory(request):
    """Makes a laboratory for clients away from home: without the guard, or with it."""
    @contextlib.contextmanager
    def make(**more):
        with Laboratory(direct=request.param == "direct", families=(4, 6), **more) as laboratory:
            pids = laboratory.guard.pids() if laboratory.guard else {}
            yield laboratory
            if laboratory.guard:
                laboratory.guard.end_well(pids)
    return make
