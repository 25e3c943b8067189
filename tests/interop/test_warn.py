"""subscriptions = "warn": real servers whose people the ledger does not know. Their presence crosses, the record says why it would
have been refused, nothing is taken down, and what ends stays closed (PRE-13).
"""

import pytest

from ends import ENDS, Pair
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICY, sanitizer_reports
from lab.laboratory import Laboratory

STANDING = 1  # pairs of each side that no play ends


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(POLICY.read_text().replace('payloads = "chat"', 'payloads = "chat"\nsubscriptions = "warn"'))
    with Laboratory(strangers=2 * (len(ENDS) + STANDING), lanes=2, policy=policy) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(scope="module")
def pairs(laboratory):
    """{(end or None, side): Pair}: the servers have all their subscriptions, and the guard knows none."""
    pairs = {(end, side): Pair(laboratory, side) for end in [*ENDS, None] for side in (NORTH, SOUTH)}
    laboratory.guard.stop()
    for file in laboratory.guard.state.iterdir():
        file.unlink()
    laboratory.guard.launch()
    for pair in pairs.values():
        pair.hears(pair.desk)
        pair.told()
    return pairs


def show(laboratory, pair):
    """Both resources say that they are away; gives the records of it."""
    news = laboratory.guard.news()
    records = []
    for resource in (pair.desk, pair.phone):
        resource.presence(inside="<show>away</show>")
        pair.watcher.expect_presence(30, sender=resource.jid, type=None)
        records.append(news.await_record(is_available(resource.jid, pair.watcher.bare), "the record of it"))
    return records


def is_available(sender, addressee):
    return lambda record: (record.get("kind") == "presence" and not record.get("type") and record["from"] == sender and
                           record["to"] == addressee)


BOTH_WAYS = pytest.mark.parametrize("side", [NORTH, SOUTH], ids=lambda enclave: f"{enclave.name}-is-watched")


@BOTH_WAYS
def test_PRE_13_presence_crosses_and_the_record_says_why_it_would_not(laboratory, pairs, side):
    pair = pairs[None, side]
    for record in show(laboratory, pair):
        assert record["verdict"] in ("release", "alter") and "presence.not-subscribed" in record["findings"], record
    # The watcher's server asks when he logs in anew, and is answered.
    news = laboratory.guard.news()
    attic = laboratory.client(other(side), pair.watchers, "attic")
    attic.presence()
    for resource in (pair.desk, pair.phone):
        attic.expect_presence(30, sender=resource.jid, type=None)
    probe = news.await_record(lambda record: record.get("type") == "probe" and record.get("to") == pair.account.bare, "the probe's record")
    assert probe["verdict"] in ("release", "alter") and "presence.probe-refused" in probe["findings"], probe
    attic.close()
    assert f"{pair.watcher.bare} {pair.account.bare}" not in laboratory.guard.ledger("show"), "it has learned"


@BOTH_WAYS
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_PRE_13_P_00_what_ends_stays_closed(laboratory, pairs, end, side):
    pair = pairs[end, side]
    show(laboratory, pair)
    news = laboratory.guard.news()
    pair.told()
    end(laboratory, pair)
    for resource in (pair.desk, pair.phone):
        pair.watcher.expect_presence(sender=resource.jid, type="unavailable")
    pair.leak_on()
    assert pair.told() == []
    news.await_record(lambda record: record.get("reason") == "presence.after-cancellation" and
                      record.get("from", "").startswith(pair.account.bare + "/"), "what the server said on")
    assert f"{pair.watcher.bare} {pair.account.bare} cancelled" in laboratory.guard.ledger("show")
