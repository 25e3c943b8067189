"""Clients that log in with a token (OAUTHBEARER, RFC 7628): with the right one, with a wrong one, and for somebody else.

The server is Prosody with a mechanism of the laboratory's (lab/prosody_modules). Every case runs directly, as the control, too.
"""

import base64
import json
import xml.etree.ElementTree as ElementTree

import pytest

from client_plays import result_of
from lab.enclaves import NORTH, SOUTH, other
from lab.prosody import PASSWORDS_AND_TOKENS, token_of
from lab.xmpp_client import SASL, STREAM, encoded

ROMEO, BENVOLIO = "romeo@north.test", "benvolio@north.test"
TOKEN = token_of("romeo")
IN, INVALID = "let in", "told why"  # otherwise the condition of the failure


@pytest.fixture(scope="module")
def laboratory(client_laboratory):
    with client_laboratory(strangers=1, of_north={"authentication": PASSWORDS_AND_TOKENS}) as laboratory:
        yield laboratory


@pytest.fixture
def stream(laboratory):
    stream = laboratory.client_stream(SOUTH, NORTH)
    features = stream.secure()
    assert "OAUTHBEARER" in {mechanism.text for mechanism in features.iter(f"{{{SASL}}}mechanism")}
    yield stream
    stream.close()


def said(token=TOKEN, authzid="", fields="", flag="n"):
    return f"{flag},{'a=' + authzid if authzid else ''},\1{fields}auth=Bearer {token}\1\1".encode()


def respond(stream, octets):
    stream.send(f"<response xmlns='{SASL}'>{encoded(octets)}</response>")


def outcome_of(stream, octets):
    """What comes of a client's message. An error challenge (3.2.2) is answered as 3.2.3 asks for."""
    stream.begin("OAUTHBEARER", octets)
    answer = stream.outcome(f"{{{SASL}}}challenge")
    if answer.tag == f"{{{SASL}}}challenge":
        assert json.loads(base64.b64decode(answer.text)) == {"status": "invalid_token", "scope": "xmpp"}
        respond(stream, b"\1")
        assert condition_of(stream.outcome()) == "not-authorized"
        return INVALID
    return condition_of(answer)


def condition_of(answer):
    if answer.tag == f"{{{SASL}}}success":
        assert answer.text in (None, "", "=")
        return IN
    assert answer.tag == f"{{{SASL}}}failure", ElementTree.tostring(answer)
    return answer[0].tag.partition("}")[2]


def recorded(laboratory, since, code):
    """The details of an event, of the guard's record."""
    return dict(laboratory.guard.record_where(lambda record: record.get("code") == code, code, since=since)["details"])


def records_of(laboratory):
    return len(laboratory.guard.records()) if laboratory.guard else 0


# (octets, outcome directly, behind the guard if it differs)
MESSAGES = {
    "the token alone": (said(), IN),
    "for the own account": (said(authzid=ROMEO), IN),
    "with what was dialled": (said(authzid=ROMEO, fields="host=north.test\1port=5222\1"), IN),
    "a wrong token": (said("not it"), INVALID),
    "a wrong token for the own account": (said("not it", ROMEO), INVALID),
    "another's authzid": (said(authzid=BENVOLIO), INVALID),
    "an account that is none": (said(authzid="nobody@north.test"), INVALID),
    # What the server would judge, too, the guard refuses before it gets there.
    "another domain's authzid": (said(authzid="romeo@south.test"), INVALID, "invalid-authzid"),
    "an authzid that is no account": (said(authzid="north.test"), INVALID, "invalid-authzid"),
    "an authzid without its domain": (said(authzid="romeo"), INVALID, "invalid-authzid"),
    "a second token behind the first": (said(f"{TOKEN}\1auth=Bearer {token_of('benvolio')}"), IN, "malformed-request"),
    "two bearers in one": (said(f"{TOKEN}\1x"), IN, "malformed-request"),
    "a channel that it binds to": (said(flag="p=tls-exporter"), "malformed-request"),
    "no token": (b"n,,\1host=north.test\1\1", "malformed-request"),
    "nothing": (b"", "malformed-request"),
}


@pytest.mark.parametrize("case", MESSAGES, ids=lambda case: case.replace(" ", "-"))
def test_SASL_04_a_message_with_a_token(laboratory, stream, case):
    octets, directly, *guarded = MESSAGES[case]
    expected = directly if laboratory.direct or not guarded else guarded[0]
    since = records_of(laboratory)
    assert outcome_of(stream, octets) == expected
    if expected != IN:
        if laboratory.guard:
            details = recorded(laboratory, since, "session.login-failed")
            assert details["mechanism"] == "OAUTHBEARER" and details["by"] == ("guard" if guarded or octets in REFUSED_BY_GUARD else "server")
        assert outcome_of(stream, said()) == IN, "on the same stream the right token still gets in"
    stream.open()
    assert stream.bind("token") == f"{ROMEO}/token"
    result_of(stream.ask("get", "<query xmlns='jabber:iq:roster'/>"))
    if laboratory.guard:
        assert recorded(laboratory, since, "session.bound")["jid"] == f"{ROMEO}/token"


REFUSED_BY_GUARD = {octets for octets, directly, *_ in MESSAGES.values() if directly == "malformed-request"}


@pytest.mark.parametrize("answer, directly", [(b"", "not-authorized"), (said(), "not-authorized"), (b"\1\1", "not-authorized")],
                         ids=["nothing", "another-token", "twice"])
def test_RFC_7628_another_answer_to_the_error(laboratory, stream, answer, directly):
    """After the error nothing may be said but that it has come: not even the right token."""
    stream.begin("OAUTHBEARER", said("not it"))
    stream.take(f"{{{SASL}}}challenge")
    respond(stream, answer)
    assert condition_of(stream.outcome()) == (directly if laboratory.direct else "malformed-request")
    assert outcome_of(stream, said()) == IN


def test_SASL_12_a_client_that_aborts_after_the_error(laboratory, stream):
    stream.begin("OAUTHBEARER", said("not it"))
    stream.take(f"{{{SASL}}}challenge")
    stream.send(f"<abort xmlns='{SASL}'/>")
    assert condition_of(stream.outcome()) == "aborted"
    assert outcome_of(stream, said()) == IN


def test_C_09_a_server_that_does_not_look_whom_the_client_wants_to_act_for(laboratory, stream):
    """It lets the token's owner in. Behind the guard who has logged in as somebody does not become somebody else."""
    since = records_of(laboratory)
    assert outcome_of(stream, said(f"careless.{TOKEN}", BENVOLIO)) == IN
    stream.open()
    if laboratory.direct:
        assert stream.bind("token") == f"{ROMEO}/token"
        return
    stream.request("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", None)
    assert stream.ending() == "undefined-condition"
    details = recorded(laboratory, since, "session.identity")
    assert details["account"] == BENVOLIO and details["confirmed"].startswith(ROMEO + "/")


@pytest.mark.parametrize("claim", [ROMEO, BENVOLIO])
def test_STR_15_what_the_header_says_and_whose_token_it_is(laboratory, claim):
    """Where the login does not show the account, the header's claim has to be true."""
    stream = laboratory.client_stream(SOUTH, NORTH)
    since = records_of(laboratory)
    stream.secure(f" from='{claim}'")
    assert outcome_of(stream, said()) == IN
    stream.open(f" from='{claim}'")
    if laboratory.direct or claim == ROMEO:
        assert stream.bind("token") == f"{ROMEO}/token"
    else:
        stream.request("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", None)
        assert stream.ending() == "undefined-condition"
        assert recorded(laboratory, since, "session.identity")["account"] == BENVOLIO
    stream.close()


def test_a_password_still_does(laboratory):
    account = laboratory.stranger(NORTH)
    client = laboratory.client(other(NORTH), account)
    assert client.jid == f"{account.bare}/lab"
    client.close()
