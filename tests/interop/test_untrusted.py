"""The control of the control: with a certificate authority behind the guard's faces that no server knows, nothing may work.

If one of these plays succeeded, the servers would not be checking certificates, and the plays with the guard would prove little.
"""

import pytest

from lab.conversation import Silence
from lab.enclaves import NORTH, SOUTH, other
from lab.laboratory import Laboratory
from plays import PLAYS


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(trusted=False) as laboratory:
        yield laboratory


def nothing_crossed(receiver, sender):
    crossed = [element for element in receiver.inbox
               if (element.get("from") or "").startswith(sender.bare) and element.get("type") != "error"]
    assert not crossed, crossed


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_nothing_works_without_trust(stage, play):
    stage.count = 20
    stage.near.patience = stage.far.patience = 2
    with pytest.raises((Silence, AssertionError)):
        play(stage)
    nothing_crossed(stage.near, stage.far)
    nothing_crossed(stage.far, stage.near)


@pytest.mark.parametrize("enclave", [NORTH, SOUTH], ids=lambda enclave: enclave.name)
def test_nothing_works_when_a_server_was_down_and_is_back(laboratory, enclave):
    people = {NORTH: "romeo", SOUTH: "juliet"}
    near = laboratory.login(other(enclave), people[other(enclave)], "waiting")
    laboratory.servers[enclave].stop()
    near.message(f"{people[enclave]}@{enclave.domain}", "<body>is anybody there?</body>")
    laboratory.servers[enclave].start()
    far = laboratory.login(enclave, people[enclave], "waiting")
    near.patience = far.patience = 3
    for sender, receiver in ((near, far), (far, near)):
        receiver.presence()
        sender.message(receiver.bare, "<body>and now?</body>")
        with pytest.raises(Silence):
            receiver.expect_message(sender=sender.jid, body="and now?")
        nothing_crossed(receiver, sender)
    near.close()
    far.close()
