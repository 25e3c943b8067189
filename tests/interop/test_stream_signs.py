"""P-12, P-38: what a server hears on a stream besides stanzas does not tell what is up on the far side, or who is there."""

import pytest

from lab.certificates import EnclaveAuthority
from lab.conversation import Silence
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import program, sanitizer_reports
from lab.laboratory import Laboratory
from lab.s2s_peer import Listener
from lab.xmpp_client import SASL, STREAM

SM = "urn:xmpp:sm:3"


def replace(laboratory, side, certificate=None, trust=None, **more):
    """Another server in the place of the one there."""
    laboratory.listeners[side].close()
    laboratory.listeners[side] = Listener(side.server(4), side.domains, certificate or laboratory.certificates[side],
                                          trust or laboratory.authorities[side].file, **more)


def nobody_listens(laboratory, side):
    laboratory.listeners.pop(side).close()


def its_certificate_is_of_an_unknown_authority(laboratory, side):
    strangers = EnclaveAuthority("stranger", laboratory.folder / "strangers", program())
    replace(laboratory, side, strangers.issue_properly(side.domains))


def its_certificate_is_anothers(laboratory, side):
    replace(laboratory, side, laboratory.authorities[side].issue_properly(["elsewhere.test"]))


def it_does_not_know_our_certificate(laboratory, side):
    strangers = EnclaveAuthority("stranger", laboratory.folder / "strangers", program())
    replace(laboratory, side, trust=strangers.file)


def it_refuses_to_authenticate_us(laboratory, side):
    replace(laboratory, side, refuses=True)


CAUSES = [nobody_listens, its_certificate_is_of_an_unknown_authority, its_certificate_is_anothers, it_does_not_know_our_certificate,
          it_refuses_to_authenticate_us]


def told(laboratory, near):
    """All octets that a server hears from its <auth/> on, up to the end of its stream."""
    peer = laboratory.dialler(near)
    octets = []
    try:
        peer.secure()
        peer.wire.tap = octets.append
        outcome = peer.authenticate()
        if outcome.tag == f"{{{STREAM}}}error":
            peer.ending()
        return b"".join(octets)
    finally:
        peer.close()


@pytest.mark.parametrize("near", [NORTH, SOUTH], ids=lambda enclave: f"told-in-{enclave.name}")
def test_P_38_why_there_is_no_stream_to_the_far_side_is_not_told(near):
    heard, causes = {}, {}
    for cause in CAUSES:
        with Laboratory("hand", "hand") as laboratory:
            cause(laboratory, other(near))
            heard[cause.__name__] = told(laboratory, near)
            failed = laboratory.guard.record_where(lambda record: record.get("code") == "leg.dial-failed", "the cause in the log")
            causes[cause.__name__] = str(failed)
            laboratory.guard.stop()
            assert not sanitizer_reports(laboratory.folder)
    assert len(set(heard.values())) == 1, heard
    octets = next(iter(heard.values()))
    assert b"remote-connection-failed" in octets and b"<text" not in octets and b"success" not in octets, octets


def test_P_12_between_servers_nothing_is_acknowledged():
    """How long an acknowledgement takes tells whether an addressee is there; so there is none but TCP's, for octets."""
    with Laboratory("hand", "hand") as laboratory:
        peer = laboratory.dialler(NORTH)
        peer.secure()
        assert peer.authenticate().tag == f"{{{SASL}}}success"
        assert peer.open().find(f"{{{SM}}}sm") is None, "it is offered"
        peer.send(f"<enable xmlns='{SM}'/>")
        assert peer.take_named(f"{{{SM}}}failed").tag
        peer.send(f"<message from='a@{NORTH.domain}' to='b@{SOUTH.domain}' id='m1'><body>is anybody there?</body></message>")
        laboratory.listeners[SOUTH].expect(lambda element: element.get("id") == "m1", "the message")
        with pytest.raises(Silence):
            peer.take(lambda element: True, "an acknowledgement", 1)
        peer.close()
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
