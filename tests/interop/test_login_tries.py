"""Somebody guesses passwords (D-12): over many connections, for one account or for many, whether they exist or not, at real servers."""

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.laboratory import Laboratory
from lab.waiting import until_true
from lab.xmpp_client import Refused

FREE = 6  # failures before the first wait
FREE_OF_ADDRESS = 51
WRONG, TOO_SOON = "not-authorized", "temporary-auth-failure"


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(strangers=4) as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


def opened(laboratory, far, source=None):
    stream = laboratory.client_stream(other(far), far, source=source)
    stream.secure()
    return stream


def told(stream, mechanism, name, password):
    try:
        stream.authenticate(mechanism, name, password)
    except Refused as refused:
        return refused.conditions[0]
    return "let in"


def guesses(laboratory, far, mechanism, name):
    """What is heard until it is too soon for the next one; two on each connection, as fast as they go."""
    heard = []
    while TOO_SOON not in heard and len(heard) < 3 * FREE:
        stream = opened(laboratory, far)
        heard += [told(stream, mechanism, name, "not it") for _ in range(2)]
        stream.close()
    return heard[:heard.index(TOO_SOON) + 1] if TOO_SOON in heard else heard


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
@pytest.mark.parametrize("far", [NORTH, SOUTH], ids=lambda enclave: f"to-{enclave.name}")
def test_D_12_SASL_15_P_31_who_guesses_has_to_wait_and_learns_nothing(laboratory, far, mechanism):
    account = laboratory.stranger(far)
    since = len(laboratory.guard.records())
    for name in (account.name, f"nobody-by-{mechanism.lower()}"):
        heard = guesses(laboratory, far, mechanism, name)
        assert heard[:FREE] == [WRONG] * FREE and set(heard[FREE:-1]) <= {WRONG} and heard[-1] == TOO_SOON, (name, heard)
        laboratory.guard.record_where(lambda record: record.get("code") == "session.login-too-soon" and
                                      ["account", f"{name}@{far.domain}"] in record["details"], f"{name} is to wait", since=since)
    # The right password helps nobody who has guessed; whoever comes from elsewhere gets in.
    stream = opened(laboratory, far)
    assert told(stream, mechanism, account.name, account.password) == TOO_SOON
    stream.close()
    stream = opened(laboratory, far, other(far).stranger())
    assert told(stream, mechanism, account.name, account.password) == "let in"
    stream.open()
    stream.bind("elsewhere")
    stream.close()


@pytest.mark.parametrize("far", [NORTH, SOUTH], ids=lambda enclave: f"to-{enclave.name}")
def test_D_12_SASL_15_P_31_who_tries_one_password_with_many_accounts_has_to_wait(laboratory, far):
    """And with them who shares their address and knows their password, but not for long."""
    account = laboratory.stranger(far)
    source = other(far).address(4)
    since = len(laboratory.guard.records())
    names = [account.name] + [f"nobody{number}" for number in range(FREE_OF_ADDRESS)]
    heard = []
    for first in range(0, len(names), 2):
        stream = opened(laboratory, far, source)
        heard += [told(stream, "PLAIN", name, "Spring2026!") for name in names[first:first + 2]]
        stream.close()
    assert heard[:-1] == [WRONG] * FREE_OF_ADDRESS and heard[-1] == TOO_SOON, heard
    laboratory.guard.record_where(lambda record: record.get("code") == "session.source-too-soon" and
                                  ["account", f"{names[-1]}@{far.domain}"] in record["details"], "who is to wait", since=since)
    assert not [each for each in laboratory.guard.records()[since:] if each.get("code") == "session.login-too-soon"]

    def gets_in(whence):
        stream = opened(laboratory, far, whence)
        answer = told(stream, "PLAIN", account.name, account.password)
        stream.close()
        assert answer in ("let in", TOO_SOON), answer
        return answer == "let in"

    assert gets_in(None), "from elsewhere it costs nothing"
    until_true(lambda: gets_in(source), "a login with the right password from there", 10)
