"""Clients that log in with a Kerberos ticket (GSSAPI, RFC 4752, without a security layer): with the right one, with none, and with others.

The server is Prosody with Cyrus SASL, the KDC is MIT's. Every case runs directly, as the control, too.
"""

import base64
import dataclasses

import gssapi
import pytest

from client_plays import result_of
from lab.enclaves import NORTH, SOUTH
from lab.kerberos import STRANGE, Gssapi, KeyDistributionCentre
from lab.laboratory import ACCOUNTS, Account
from lab.program_client import NotLetIn, ProgramClient
from lab.xmpp_client import SASL, Refused, Way, encoded

ROMEO, BENVOLIO = "romeo@north.test", "benvolio@north.test"
SERVICE = "xmpp/north.test"
ACCOUNT = Account("romeo", ACCOUNTS[NORTH]["romeo"], NORTH)


@pytest.fixture(scope="module")
def kdc(tmp_path_factory):
    with KeyDistributionCentre(tmp_path_factory.mktemp("kdc"), NORTH, ACCOUNTS[NORTH]) as kdc:
        yield kdc


@pytest.fixture(scope="module")
def laboratory(kdc, client_laboratory):
    with client_laboratory(of_north=kdc.of_server) as laboratory:
        yield laboratory


def opened(laboratory, more=""):
    stream = laboratory.client_stream(SOUTH, NORTH)
    assert [mechanism.text for mechanism in stream.secure(more).iter(f"{{{SASL}}}mechanism")] == ["GSSAPI"]
    return stream


@pytest.fixture
def stream(laboratory):
    stream = opened(laboratory)
    yield stream
    stream.close()


def authenticate(stream, client):
    """Raises Refused."""
    stream.begin("GSSAPI", client.first())
    while (said := stream.outcome(f"{{{SASL}}}challenge")).tag == f"{{{SASL}}}challenge":
        stream.send(f"<response xmlns='{SASL}'>{encoded(client.answer(base64.b64decode(said.text or '')))}</response>")
    if said.tag == f"{{{SASL}}}failure":
        raise Refused(said)
    assert said.tag == f"{{{SASL}}}success"
    stream.wire.restart()


def log_in(stream, client, more=""):
    authenticate(stream, client)
    stream.open(more)


def in_vain(laboratory, kdc, stream, client):
    """The client is not let in. That is on the guard's record; and who then has the right ticket gets in."""
    since = records_of(laboratory)
    with pytest.raises(Refused) as refused:
        authenticate(stream, client)
    # Cyrus SASL's general failure is told by a condition that SASL does not have; the guard says the plainest of those that it has.
    assert refused.value.conditions in (["not-authorized"], ["undefined-condition"] if laboratory.direct else ["not-authorized"])
    if laboratory.guard:
        failed = recorded(laboratory, since, "session.login-failed")
        assert failed["mechanism"] == "GSSAPI" and failed["by"] == "server" and failed["account"] == ""
    # On a new stream: after a failure the server's module looks for the key of a service at this machine's own name.
    again = opened(laboratory)
    log_in(again, Gssapi(kdc.ticket("benvolio"), SERVICE, kdc.realm))
    again.close()


def recorded(laboratory, since, code):
    return dict(laboratory.guard.record_where(lambda record: record.get("code") == code, code, since=since)["details"])


def records_of(laboratory):
    return len(laboratory.guard.records()) if laboratory.guard else 0


@pytest.mark.parametrize("authzid", ["", "romeo", ROMEO])
def test_SASL_06_SASL_11_the_right_ticket(laboratory, kdc, stream, authzid):
    since = records_of(laboratory)
    log_in(stream, Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm, authzid=authzid.encode()))
    assert stream.bind("ticket") == f"{ROMEO}/ticket"
    result_of(stream.ask("get", "<query xmlns='jabber:iq:roster'/>"))
    if laboratory.guard:
        assert recorded(laboratory, since, "session.login") == {"mechanism": "GSSAPI", "account": ""}
        assert recorded(laboratory, since, "session.bound")["jid"] == f"{ROMEO}/ticket", "the server says who it is"


@pytest.mark.parametrize("authzid", ["benvolio", BENVOLIO, "root"])
def test_SASL_06_anothers_account(laboratory, kdc, stream, authzid):
    """Whom the client wants to act for stands where only the server can read it; the server knows whose ticket it is."""
    in_vain(laboratory, kdc, stream, Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm, authzid=authzid.encode()))


@dataclasses.dataclass
class MadeUp:
    """A client that has no ticket, and says something instead."""

    octets: bytes

    def first(self):
        return self.octets

    def answer(self, _):
        return self.octets


@pytest.mark.parametrize("octets", [b"", b"romeo", b"\x60\x82\x02\x00\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00" + bytes(300)],
                         ids=["nothing", "a-name", "zeros-in-a-tokens-form"])
def test_SASL_06_no_ticket(laboratory, kdc, stream, octets):
    in_vain(laboratory, kdc, stream, MadeUp(octets))


def test_SASL_06_a_ticket_of_another_realm(laboratory, kdc, stream):
    """A realm that nobody here trusts has issued it, for a service of the same name."""
    in_vain(laboratory, kdc, stream, Gssapi(kdc.ticket("romeo", STRANGE), SERVICE, STRANGE))


def test_the_realms_do_not_trust_each_other(kdc):
    with pytest.raises(gssapi.exceptions.GSSError):
        Gssapi(kdc.ticket("romeo", STRANGE), SERVICE, kdc.realm).first()


def test_SASL_06_what_another_login_has_said(laboratory, kdc, stream):
    client = Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm)
    said = client.first()
    client.first = lambda: said
    log_in(stream, client)
    in_vain(laboratory, kdc, opened(laboratory), MadeUp(said))


@pytest.mark.parametrize("claim", [ROMEO, BENVOLIO])
def test_STR_15_what_the_header_says_and_whose_ticket_it_is(laboratory, kdc, claim):
    since = records_of(laboratory)
    stream = opened(laboratory, f" from='{claim}'")
    log_in(stream, Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm), f" from='{claim}'")
    if laboratory.direct or claim == ROMEO:
        assert stream.bind("ticket") == f"{ROMEO}/ticket"
    else:
        stream.request("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", None)
        assert stream.ending() == "undefined-condition"
        assert recorded(laboratory, since, "session.identity")["account"] == BENVOLIO
    stream.close()


def test_SASL_11_a_security_layer_that_is_not_offered(laboratory, kdc, stream):
    client = Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm, layer=4)
    in_vain(laboratory, kdc, stream, client)
    assert client.layers == 1


def test_SASL_11_octets_of_a_security_layer(laboratory, kdc, stream):
    """If server and client had agreed on one behind the guard's back: what comes then is no XML, and ends the stream."""
    since = records_of(laboratory)
    client = Gssapi(kdc.ticket("romeo"), SERVICE, kdc.realm)
    authenticate(stream, client)
    stream.send(client.wrapped(stream.header().encode()))
    assert stream.ending() == ("not-well-formed" if laboratory.direct else "unsupported-encoding")
    if laboratory.guard:
        assert recorded(laboratory, since, "leg.stream-error")["condition"] == "unsupported-encoding"


def test_SASL_06_a_client_of_other_peoples_making(laboratory, kdc, tmp_path, monkeypatch):
    """slixmpp, with the ticket that kinit has got; and without one."""
    entrance = laboratory.entrance(SOUTH, NORTH)
    way = Way("GSSAPI")
    with pytest.raises(NotLetIn):
        ProgramClient("slixmpp", ACCOUNT, *entrance, "library", way)
    kdc.save_ticket("romeo", tmp_path / "tickets")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/tickets")
    client = ProgramClient("slixmpp", ACCOUNT, *entrance, "library", way)
    assert client.jid == f"{ROMEO}/library"
    result_of(client.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))
    client.close()
