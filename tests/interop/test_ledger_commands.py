"""The operator's commands for the ledger, with what real servers write and do: roster exports, learning, revoking."""

import os

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICY, command, sanitizer_reports
from lab.laboratory import Laboratory
from lab.waiting import until_true
from plays import subscribe

PRODUCTS = [("prosody", "ejabberd"), ("ejabberd", "prosody")][:2 if os.environ.get("SALLYPORT_LONG") == "1" else 1]
PEOPLE = {NORTH: "romeo", SOUTH: "juliet"}
OTHERS = {NORTH: "benvolio", SOUTH: "nurse"}


def both_online(laboratory, names=PEOPLE):
    people = {enclave: laboratory.login(enclave, names[enclave]) for enclave in (NORTH, SOUTH)}
    for person in people.values():
        person.presence()
    return people


@pytest.mark.parametrize("products", PRODUCTS, ids="-".join)
def test_subscriptions_older_than_the_guard_are_imported_from_what_the_servers_export(products, tmp_path):
    """The servers know each other's people; the guard knows nothing yet, and lets no presence cross until it is told."""
    with Laboratory(*products) as laboratory:
        people = both_online(laboratory)
        subscribe(people[NORTH], people[SOUTH])
        subscribe(people[SOUTH], people[NORTH])
        one_way = both_online(laboratory, OTHERS)
        subscribe(one_way[NORTH], one_way[SOUTH])
        for person in (*people.values(), *one_way.values()):
            person.close()
        laboratory.guard.stop()
        for file in laboratory.guard.state.iterdir():
            file.unlink()
        files = [file for enclave in (NORTH, SOUTH) for file in laboratory.servers[enclave].export(tmp_path / enclave.name)]
        laboratory.guard.launch()
        assert laboratory.guard.ledger("export") == ""
        assert laboratory.guard.ledger("import", "--dry-run", *files).startswith("3 subscriptions would be imported, 0 left out")
        assert laboratory.guard.ledger("import", *files[:1]).startswith("0 subscriptions imported"), "the word of one server is not enough"
        assert laboratory.guard.ledger("import", *files).startswith("3 subscriptions imported, 0 left out")
        assert sorted(laboratory.guard.ledger("export").split("\n")) == [
            "", "benvolio@north.test nurse@south.test", "juliet@south.test romeo@north.test", "romeo@north.test juliet@south.test"]
        people = both_online(laboratory)
        for enclave in (NORTH, SOUTH):
            people[enclave].expect_presence(30, sender=people[other(enclave)].jid, type=None)
            people[enclave].close()
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)


def test_a_site_learns_is_warned_and_enforces(tmp_path):
    """Into a running federation: what stands is taken down when people log in, and at the end nothing else crosses."""
    learning = tmp_path / "policy.toml"
    text = POLICY.read_text()
    learning.write_text(text.replace('payloads = "chat"', 'payloads = "chat"\nsubscriptions = "learn"'))
    with Laboratory(policy=learning) as laboratory:
        guard = laboratory.guard
        people = both_online(laboratory)
        subscribe(people[NORTH], people[SOUTH])
        people[NORTH].close()
        people[SOUTH].close()
        guard.stop()
        for file in guard.state.iterdir():
            file.unlink()
        guard.launch()
        # The watched is there when the watcher logs in: her server asks, and is answered.
        watched = laboratory.login(SOUTH, PEOPLE[SOUTH])
        watched.presence()
        watcher = laboratory.login(NORTH, PEOPLE[NORTH])
        watcher.presence()
        watcher.expect_presence(30, sender=watched.jid, type=None)
        until_true(lambda: "romeo@north.test juliet@south.test active learned" in guard.ledger("show"), "the subscription to be learned")
        watched.presence(OTHERS[NORTH] + "@north.test")
        warned = guard.record_where(lambda record: "presence.not-subscribed" in record.get("findings", []) and
                                    record["to"] == "benvolio@north.test", "a warning")
        assert warned["verdict"] in ("release", "alter")
        guard.policy_file.write_text(text)
        command("policy", "compile", guard.policy_file, "-o", guard.bundle)
        command("reload", "-c", guard.configuration)

        def refused():
            watched.presence(OTHERS[NORTH] + "@north.test")
            return any(record.get("reason") == "presence.not-subscribed" for record in guard.records())
        until_true(refused, "a refusal under the new policy")
        watched.presence(inside="<status>learned</status>")
        assert watcher.expect_presence(30, sender=watched.jid, type=None) is not None
        guard.ledger("revoke", "romeo@north.test", "juliet@south.test")
        gone = watcher.expect_presence(sender=watched.jid, type="unavailable")
        assert not len(gone)
        watched.presence(inside="<status>why can he not see me?</status>")
        guard.record_where(lambda record: record.get("reason") == "presence.after-cancellation", "the answer")
        for person in (watched, watcher):
            person.close()
        guard.stop()
        assert not sanitizer_reports(laboratory.folder)
