"""Nobody across the boundary finds out which accounts there are: not by the octets of any answer, nor by their time (P-40 to P-43)."""

import pytest

from existence import LONG, Prober, check_octets, check_time, time_all, try_all
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES, POLICY, sanitizer_reports
from lab.laboratory import Laboratory
from samples import likelihood

PADDED, OPEN = POLICIES / "existence.toml", POLICIES / "leaks-open.toml"
ONE_MADE_BY_HAND = [("hand", "ejabberd"), ("prosody", "hand")]


def laboratories(policy, pairs=tuple(ONE_MADE_BY_HAND)):
    return pytest.mark.parametrize("prober", [(policy, pair) for pair in pairs], indirect=True,
                                   ids=["-".join(pair) for pair in pairs])


@pytest.fixture(scope="module")
def prober(request):
    policy, products = request.param
    with Laboratory(*products, policy=policy, strangers=8) as laboratory:
        prober = ForeignServer(laboratory)
        yield prober
        prober.close()
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)


class ForeignServer(Prober):
    """A hand-made server, of which one account tries addresses of the real one."""

    def __init__(self, laboratory):
        real = NORTH if NORTH in laboratory.servers else SOUTH
        super().__init__(f"prober@{other(real).domain}")
        self.hand = laboratory.listeners[other(real)]
        self.octets = self.hand.octets
        self.forger = laboratory.dialler(other(real)).establish()
        contact = self.find_people(laboratory, real)
        self.say(f"<presence from='{self.own}' to='{self.contact}' type='subscribe'/>")
        contact.expect_presence(sender=self.own, type="subscribe")
        contact.presence(self.own, "subscribed")
        self.hand.expect(lambda element: element.get("type") == "subscribed", "the approval")

    def say(self, stanza):
        self.forger.send(stanza)

    def say_more(self, number, bare, address):
        self.say(f"<presence from='{self.own}' to='{bare}' type='{('probe', 'subscribe', 'unsubscribe')[number % 3]}'/>")
        self.say(f"<presence from='{self.own}/r' to='{address}'/>")

    def others(self):
        """What has come besides answers to requests: (kind, type, sender)."""
        return {(element.tag.partition("}")[2], element.get("type"), (element.get("from") or "").split("/")[0])
                for element in self.hand.stanzas if not element.tag.endswith("}iq")}

    def close(self):
        super().close()
        self.forger.close()


@laboratories(PADDED)
def test_P_40_P_42_P_43_ERR_07_neither_octets_nor_time_tell_which_accounts_there_are(prober):
    check_octets(prober)
    check_time(prober)


# The controls

@laboratories(OPEN, ONE_MADE_BY_HAND if LONG else ONE_MADE_BY_HAND[1:])
def test_without_the_rules_the_octets_tell_the_accounts_apart(prober):
    heard = try_all(prober, ("bare",))  # what is asked of a resource that is there, its client would answer
    assert heard["missing"] != heard["online"]


@laboratories(POLICY, ONE_MADE_BY_HAND[:1])
def test_without_padding_the_time_tells_who_has_answered(prober):
    took = time_all(prober)
    assert likelihood(took["missing"], took["contact"]) < 0.001
