"""Clients that log in by certificate (SASL EXTERNAL): the guard checks it, and vouches for the client at its server (ejabberd)."""

import pytest

from client_plays import result_of
from lab.enclaves import NORTH, SOUTH
from lab.laboratory import Laboratory
from lab.xmpp_client import SASL, Refused

JULIET, NURSE = "juliet@south.test", "nurse@south.test"


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(by_certificate=True) as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


def certificate(laboratory, *accounts, authority=NORTH):
    return laboratory.authorities[authority].issue("-".join(account.partition("@")[0] for account in accounts), accounts, ("xmpp",))


def opened(laboratory, certificate=None):
    """A client's stream, and the mechanisms that it is offered."""
    stream = laboratory.client_stream(NORTH, SOUTH, certificate=certificate)
    return stream, [mechanism.text for mechanism in stream.secure().iter(f"{{{SASL}}}mechanism")]


def log_in(stream, authzid=""):
    stream.begin("EXTERNAL", authzid.encode())
    outcome = stream.outcome()
    if outcome.tag == f"{{{SASL}}}failure":
        raise Refused(outcome)
    assert outcome.tag == f"{{{SASL}}}success"
    stream.open()


@pytest.mark.parametrize("accounts, authzid", [([JULIET], ""), ([JULIET], JULIET), ([NURSE, JULIET], JULIET)],
                         ids=["the-one-it-names", "asked-for-by-name", "one-of-two"])
def test_SASL_09_a_certificate_that_names_the_account(laboratory, accounts, authzid):
    since = len(laboratory.guard.records())
    stream, mechanisms = opened(laboratory, certificate(laboratory, *accounts))
    assert "EXTERNAL" in mechanisms
    log_in(stream, authzid)
    assert stream.bind("card") == f"{JULIET}/card"
    result_of(stream.ask("get", "<query xmlns='jabber:iq:roster'/>"))
    record = laboratory.guard.record_where(lambda each: each.get("code") == "session.login", "the login", since=since)
    assert dict(record["details"])["mechanism"] == "EXTERNAL" and dict(record["details"])["account"] == JULIET
    stream.close()


@pytest.mark.parametrize("accounts, authzid", [([JULIET], NURSE), ([JULIET, NURSE], ""), ([JULIET], "romeo@north.test")],
                         ids=["another-account", "one-of-two-not-said", "another-domain"])
def test_PKI_08_an_account_that_the_certificate_does_not_name(laboratory, accounts, authzid):
    stream, _ = opened(laboratory, certificate(laboratory, *accounts))
    with pytest.raises(Refused) as refused:
        log_in(stream, authzid)
    assert refused.value.conditions == ["invalid-authzid"]
    stream.close()


def test_a_certificate_of_the_other_enclaves_authority(laboratory):
    """It is not asked for its word: the client may log in as without one."""
    stream, mechanisms = opened(laboratory, certificate(laboratory, JULIET, authority=SOUTH))
    assert "EXTERNAL" not in mechanisms
    with pytest.raises(Refused) as refused:
        log_in(stream)
    assert refused.value.conditions == ["invalid-mechanism"]
    stream.authenticate("SCRAM-SHA-256", "juliet", laboratory.accounts[SOUTH]["juliet"])
    stream.close()


def test_a_certificate_for_an_account_of_another_domain(laboratory):
    _, mechanisms = opened(laboratory, certificate(laboratory, "romeo@north.test"))
    assert "EXTERNAL" not in mechanisms


def test_no_certificate(laboratory):
    stream, mechanisms = opened(laboratory)
    assert "EXTERNAL" not in mechanisms and "SCRAM-SHA-256" in mechanisms
    stream.authenticate("SCRAM-SHA-256", "juliet", laboratory.accounts[SOUTH]["juliet"])
    stream.close()
