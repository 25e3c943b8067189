"""A client away from home finds out no better which accounts its server has: neither by octets nor by time (P-40, P-42, P-43)."""

import time

import pytest

from existence import LAST, LONG, Prober, check_octets, check_time
from lab.conversation import c
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES
from lab.laboratory import Laboratory
from samples import likelihood

ROSTER = "jabber:iq:roster"
HOMES = [SOUTH, NORTH]  # ejabberd, Prosody


PADDED = 'negative_answers = "padded"\n'


def laboratories(padded, homes):
    return pytest.mark.parametrize("prober", [(padded, home) for home in homes], indirect=True, ids=[home.name for home in homes])


@pytest.fixture(scope="module")
def prober(request, tmp_path_factory):
    padded, home = request.param
    text = (POLICIES / "existence.toml").read_text()
    assert text.count(PADDED) == 3
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(text if padded else text.replace(PADDED, ""))
    with Laboratory(policy=policy, strangers=9) as laboratory:
        pids = laboratory.guard.pids()
        prober = Roamer(laboratory, home)
        yield prober
        prober.close()
        laboratory.guard.end_well(pids)


class Roamer(Prober):
    """A client of an account at `home`, in the other enclave."""

    def __init__(self, laboratory, home):
        account = laboratory.stranger(home)
        super().__init__(account.bare)
        self.client = laboratory.client(other(home), account, resource="r")
        self.client.wire.tap = lambda octets: self.octets.append((time.monotonic(), octets))
        self.client.presence()
        contact = self.find_people(laboratory, home)
        self.client.presence(self.contact, "subscribe")
        contact.expect_presence(sender=self.own, type="subscribe")
        contact.presence(self.own, "subscribed")
        self.client.expect(lambda element: any(item.get("jid") == self.contact and item.get("subscription") == "to"
                                               for item in element.iter(f"{{{ROSTER}}}item")), "the subscription in the roster")

    def say(self, stanza):
        self.client.send(stanza)

    def listen(self):
        self.client._read(0.05)

    def others(self):
        """What has come besides answers to requests: (kind, type, sender)."""
        return {(element.tag.partition("}")[2], element.get("type"), (element.get("from") or "").split("/")[0])
                for element in self.client.inbox if element.tag != c("iq")}

    def close(self):
        super().close()
        self.client.close()


@laboratories(True, HOMES)
def test_P_40_P_42_P_43_neither_octets_nor_time_tell_a_roaming_client_which_accounts_there_are(prober):
    check_octets(prober)
    check_time(prober)


@laboratories(False, HOMES if LONG else HOMES[:1])
def test_without_padding_the_time_tells_a_roaming_client_who_has_answered(prober):
    took = {"missing": [], "contact": []}
    for _ in range(50):  # one after the other, so that none waits for another
        for what, address in (("missing", prober.classes["missing"][0]), ("contact", prober.contact)):
            id = prober.ask(address, LAST)
            took[what].append(prober.answers([id])[id][1])
    assert likelihood(took["missing"], took["contact"]) < 0.001
