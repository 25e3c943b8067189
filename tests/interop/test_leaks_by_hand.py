"""The leak catalogue with one server that is made by hand and says what no real one does; with the rules on, and with them off."""

import itertools

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES, POLICY, sanitizer_reports
from lab.laboratory import Laboratory
from lab.s2s_peer import s
from leaks import is_from
from leaks_by_hand import PLAYS

OPEN = POLICIES / "leaks-open.toml"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=list(itertools.product([POLICY, OPEN], [("hand", "ejabberd"), ("prosody", "hand")])),
                ids=lambda param: f"{'rules-on' if param[0] == POLICY else 'rules-off'}-{'-'.join(param[1])}")
def laboratory(request):
    policy, products = request.param
    with Laboratory(*products, policy=policy, strangers=len(PLAYS)) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)


@pytest.fixture
def scene(laboratory):
    scene = Scene(laboratory)
    yield scene
    scene.close()


class Scene:
    """`person` has a client at the real server; `ghost` is an account that the hand-made server says it has."""

    def __init__(self, laboratory):
        side = NORTH if NORTH in laboratory.servers else SOUTH
        self.number = next(numbers)
        self.hand = laboratory.listeners[other(side)]
        self.ghost = f"ghost{self.number}@{other(side).domain}"
        self.person = laboratory.client(side, laboratory.stranger(side))
        self.person.presence()
        self.person.expect_presence(sender=self.person.jid, type=None)
        self.forger = laboratory.dialler(other(side)).establish()
        self.news = laboratory.guard.news()
        self.heard = self.hand.count()

    def say(self, stanza):
        self.forger.send(stanza)

    def befriend(self, watched_too=False):
        """The person watches the ghost, and the other way round if asked."""
        self.person.presence(self.ghost, "subscribe")
        self.hand.expect(lambda element: element.get("type") == "subscribe" and is_from(self.person, element), "the request")
        self.say(f"<presence from='{self.ghost}' to='{self.person.bare}' type='subscribed'/>")
        self.person.expect_presence(sender=self.ghost, type="subscribed")
        if watched_too:
            self.say(f"<presence from='{self.ghost}' to='{self.person.bare}' type='subscribe'/>")
            self.person.expect_presence(sender=self.ghost, type="subscribe")
            self.person.presence(self.ghost, "subscribed")
            self.hand.expect(lambda element: element.get("type") is None and is_from(self.person, element), "presence", since=self.heard)

    def recorded(self, reasons):
        return self.news.await_record(lambda record: {record.get("reason"), *record.get("findings", [])} & set(reasons), f"one of {reasons}")

    def seen_by_now(self, at):
        """All that the one in question has got, when something that was sent later has arrived as well."""
        if at is None:
            return self.news.look()
        if at is self.hand:
            self.person.message(self.ghost, "<body>is this on?</body>")
            self.hand.expect(lambda element: element.findtext(s("body")) and is_from(self.person, element), "a message", since=self.heard)
            return self.hand.stanzas[self.heard:]
        self.say(f"<message from='{self.ghost}' to='{self.person.bare}' id='on'><body>is this on?</body></message>")
        self.person.expect_message(sender=self.ghost, id="on")
        return self.person.inbox

    def close(self):
        self.person.close()
        self.forger.close()


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_only_what_the_rules_let_through_is_seen(laboratory, scene, play):
    leak = play(scene)
    if not laboratory.judged:
        if leak.at is None:
            scene.news.await_record(leak.seen, "the leak")
        else:
            leak.at.expect(leak.seen, "the leak")
        return
    scene.recorded(leak.reasons)
    if leak.instead:
        leak.at.expect(leak.instead, "what is left of it")
    assert not [each for each in scene.seen_by_now(leak.at) if leak.seen(each)]
