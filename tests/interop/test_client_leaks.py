"""What a client away from home learns of others through its session, and what its server can make it learn: the leak catalogue
(protocol.md section 6) for clients.

The server is made by hand and says what no real one does. Each play is run twice: under a policy that judges sessions nothing of it
may be seen, and the record says by which rule; under one that looks at shape and addresses only it has to be seen.
"""

import itertools

import pytest

from client_plays import result_of
from lab.c2s_server import RIGHT
from lab.conversation import STANZAS, c
from lab.enclaves import NORTH, SOUTH
from lab.guard import POLICIES
from lab.laboratory import Account, Laboratory
from leaks import Leak, has

ROSTER = "jabber:iq:roster"
MUC_USER = "http://jabber.org/protocol/muc#user"
PUBSUB_EVENT = "http://jabber.org/protocol/pubsub#event"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["sessions.toml", "stages-off.toml"], ids=["rules-on", "rules-off"])
def laboratory(request):
    with Laboratory("hand", "hand", policy=POLICIES / request.param) as laboratory:
        laboratory.judged = request.param == "sessions.toml"
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


class Scene:
    """`client` has a session of its own; `server` is its hand-made server, for which friend@south.test is a contact both ways."""

    def __init__(self, laboratory, roster=True):
        self.server = laboratory.client_servers[SOUTH]
        self.name = f"juliet{next(numbers)}"
        self.account, self.jid = f"{self.name}@south.test", f"{self.name}@south.test/balcony"
        account = Account(self.name, RIGHT, SOUTH)
        self.client = laboratory.client_stream(NORTH, SOUTH)
        self.client.secure()
        self.client.authenticate("PLAIN", account.name, account.password)
        self.client.open()
        assert self.client.bind("balcony") == self.jid
        self.news = laboratory.guard.news()
        self.server.answers[ROSTER] = (f"<query xmlns='{ROSTER}'><item jid='friend@south.test' subscription='both'/>"
                                       "<item jid='watched@south.test' subscription='to'/></query>")
        if roster:
            self.ask_for_roster()

    def ask_for_roster(self):
        result_of(self.client.ask("get", f"<query xmlns='{ROSTER}'/>"))

    def says(self, stanza):
        self.server.say(stanza)

    def presence(self, sender, inside="", kind=""):
        self.says(f"<presence from='{sender}' to='{self.jid}'{f' type={kind!r}' if kind else ''}>{inside}</presence>")

    def push(self, item):
        self.says(f"<iq type='set' id='push{next(numbers)}' to='{self.jid}'><query xmlns='{ROSTER}'>{item}</query></iq>")

    def barrier(self):
        """What either side said before has arrived, or never will."""
        self.says(f"<message id='bar{next(numbers)}' from='south.test' to='{self.jid}'><body>is this on?</body></message>")
        self.client.expect(lambda element: element.findtext(c("body")) == "is this on?", "the server")
        result_of(self.client.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))

    def heard(self):
        """By the server, of this session."""
        return [element for _, element in self.server.heard if element.get("from") == self.jid]

    def close(self):
        self.client.close()


@pytest.fixture
def scene(laboratory):
    scene = Scene(laboratory)
    yield scene
    scene.close()


def is_from(sender, kind=None):
    return lambda element: element.tag == c("presence") and element.get("from") == sender and element.get("type") == kind


# From the server to the client

def P_01_presence_of_somebody_who_is_no_contact(scene):
    scene.presence("stranger@south.test/x")
    return Leak(scene.client, is_from("stranger@south.test/x"), ("presence.not-subscribed",))


def P_01_presence_of_somebody_who_only_watches(scene):
    scene.push("<item jid='fan@south.test' subscription='from'/>")
    scene.presence("fan@south.test/x")
    return Leak(scene.client, is_from("fan@south.test/x"), ("presence.not-subscribed",))


def after(end):
    """P_00: presence of a contact after the subscription has ended, whatever ended it."""
    def play(scene):
        scene.presence("friend@south.test/x", "<status>before</status>")
        scene.client.expect(is_from("friend@south.test/x"), "presence")
        end(scene)
        scene.presence("friend@south.test/x", "<status>as ever</status>")
        scene.presence("friend@south.test/other", "<status>as ever</status>")
        return Leak(scene.client, lambda element: element.findtext(c("status")) == "as ever", ("presence.after-cancellation",))
    return play


def a_push(subscription):
    return lambda scene: scene.push(f"<item jid='friend@south.test' subscription='{subscription}'/>")


def unsubscribed(scene):
    scene.presence("friend@south.test", kind="unsubscribed")


def unsubscribe(scene):
    scene.client.presence("friend@south.test", "unsubscribe")
    scene.server.expect(lambda element: element.get("type") == "unsubscribe" and element.get("from") == scene.account, "it")


def the_client_removes_him(scene):
    """Whatever its server makes of that, and this one goes on as before."""
    result_of(scene.client.ask("set", f"<query xmlns='{ROSTER}'><item jid='friend@south.test' subscription='remove'/></query>"))


def a_roster_without_him(scene):
    scene.server.answers[ROSTER] = f"<query xmlns='{ROSTER}'/>"
    result_of(scene.client.ask("get", f"<query xmlns='{ROSTER}'/>"))


P_00_after_a_push_of_none, P_00_after_a_push_of_from, P_00_after_a_removal = after(a_push("none")), after(a_push("from")), after(a_push("remove"))
P_00_after_unsubscribed, P_00_after_unsubscribe = after(unsubscribed), after(unsubscribe)
P_00_after_the_client_removes_him = after(the_client_removes_him)
P_00_after_a_roster_without_him = after(a_roster_without_him)


def P_03_priority_idle_and_delay(scene):
    scene.presence("friend@south.test/x", "<status>idle</status><priority>5</priority><idle xmlns='urn:xmpp:idle:1' "
                   "since='2026-01-01T00:00:00Z'/><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>")
    told = has(c("priority"), "{urn:xmpp:idle:1}idle", "{urn:xmpp:delay}delay")
    return Leak(scene.client, told, ("presence.folded",), lambda element: element.findtext(c("status")) == "idle" and not told(element))


def P_15_last_words(scene):
    scene.presence("friend@south.test/x")
    scene.presence("friend@south.test/x", "<status>off to the tomb</status>", "unavailable")
    return Leak(scene.client, lambda element: element.findtext(c("status")) == "off to the tomb", ("presence.folded",),
                is_from("friend@south.test/x", "unavailable"))


def P_05_a_probe(scene):
    scene.presence("friend@south.test", kind="probe")
    return Leak(scene.client, lambda element: element.get("type") == "probe", ("presence.probe-refused",))


def P_10_a_room_that_was_not_joined(scene):
    scene.presence("hall@rooms.south.test/nurse", f"<x xmlns='{MUC_USER}'><item affiliation='none' role='none' jid='nurse@south.test/x'/></x>")
    return Leak(scene.client, is_from("hall@rooms.south.test/nurse"), ("presence.room-not-joined",))


def P_10_who_hides_behind_a_nick(scene):
    scene.client.presence("hall@rooms.south.test/juliet", inside="<x xmlns='http://jabber.org/protocol/muc'/>")
    scene.presence("hall@rooms.south.test/nurse", f"<x xmlns='{MUC_USER}'><item affiliation='none' role='none' jid='nurse@south.test/x'/></x>")
    told = lambda element: any(item.get("jid") for item in element.iter(f"{{{MUC_USER}}}item"))  # noqa: E731
    return Leak(scene.client, told, ("payload.real-jid", "presence.folded"), is_from("hall@rooms.south.test/nurse"))


def says_message(sender, inside, kind="chat"):
    def say(scene):
        scene.says(f"<message id='m' from='{sender}' to='{scene.jid}' type='{kind}'>{inside}</message>")
    return say


def taken_out(inside, tag, reasons):
    """P_24, P_25, P_35: what a stranger's message carries besides its text."""
    def play(scene):
        says_message("stranger@south.test/x", f"<body>psst</body>{inside}")(scene)
        told = has(tag)
        return Leak(scene.client, told, reasons, lambda element: element.findtext(c("body")) == "psst" and not told(element))
    return play


P_24_a_strangers_request_for_a_receipt = taken_out("<request xmlns='urn:xmpp:receipts'/>", "{urn:xmpp:receipts}request",
                                                   ("presence.activity-stripped",))
P_25_a_strangers_chat_state = taken_out("<composing xmlns='http://jabber.org/protocol/chatstates'/>",
                                        "{http://jabber.org/protocol/chatstates}composing", ("presence.activity-stripped",))
P_35_when_a_strangers_message_was_written = taken_out("<delay xmlns='urn:xmpp:delay' from='south.test' stamp='2026-01-01T00:00:00Z'/>",
                                                      "{urn:xmpp:delay}delay", ("presence.activity-stripped", "payload.delay"))


def P_26_a_strangers_event(scene):
    says_message("stranger@south.test", f"<event xmlns='{PUBSUB_EVENT}'><items node='urn:xmpp:mood'><item/></items></event>", "headline")(scene)
    return Leak(scene.client, has(f"{{{PUBSUB_EVENT}}}event"), ("payload.event", "presence.pep"))


def copied(wrapper):
    return (f"{wrapper[0]}<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='friend@south.test/x' "
            f"to='nurse@south.test/x'><body>forged</body></message></forwarded>{wrapper[1]}")


def P_29_a_forged_carbon(scene):
    says_message("stranger@south.test", copied(("<received xmlns='urn:xmpp:carbons:2'>", "</received>")))(scene)
    return Leak(scene.client, has("{urn:xmpp:carbons:2}received"), ("payload.own-account",))


def P_29_a_carbon_of_others(scene):
    """From the own account, as it has to be, but neither said by it nor to it."""
    says_message(scene.account, copied(("<received xmlns='urn:xmpp:carbons:2'>", "</received>")))(scene)
    return Leak(scene.client, has("{urn:xmpp:carbons:2}received"), ("payload.nested-address",))


def P_29_a_result_of_somebody_elses_archive(scene):
    says_message("stranger@south.test", copied(("<result xmlns='urn:xmpp:mam:2' id='1' queryid='q'>", "</result>")))(scene)
    return Leak(scene.client, has("{urn:xmpp:mam:2}result"), ("payload.service", "iq.query-not-open"))


def P_29_a_result_that_was_not_asked_for(scene):
    own = f"<message xmlns='jabber:client' from='friend@south.test/x' to='{scene.account}'><body>old</body></message>"
    says_message(scene.account, "<result xmlns='urn:xmpp:mam:2' id='1' queryid='q'><forwarded xmlns='urn:xmpp:forward:0'>"
                 f"{own}</forwarded></result>")(scene)
    return Leak(scene.client, has("{urn:xmpp:mam:2}result"), ("iq.query-not-open",))


def P_30_a_forged_push(scene):
    scene.says(f"<iq type='set' id='forged' from='stranger@south.test' to='{scene.jid}'><query xmlns='{ROSTER}'>"
               "<item jid='stranger@south.test' subscription='both'/></query></iq>")
    return Leak(scene.client, lambda element: element.tag == c("iq") and element.find(f"{{{ROSTER}}}query/{{{ROSTER}}}item"
                                                                                     "[@jid='stranger@south.test']") is not None,
                ("payload.own-account",))


def P_28_the_error_for_an_unknown_account(scene):
    scene.client.message("nobody@south.test", "<body>are you there?</body>", id="q28")
    scene.says(f"<message type='error' id='q28' from='nobody@south.test' to='{scene.jid}'><error type='cancel'>"
               f"<service-unavailable xmlns='{STANZAS}'/></error></message>")
    return Leak(scene.client, lambda element: element.get("type") == "error" and element.get("id") == "q28", ("error.to-stranger",))


def P_40_an_answer_that_nobody_asked_for(scene):
    scene.says(f"<iq type='result' id='unasked' from='stranger@south.test/x' to='{scene.jid}'><query xmlns='jabber:iq:version'>"
               "<name>N</name></query></iq>")
    return Leak(scene.client, lambda element: element.get("id") == "unasked", ("iq.unsolicited",))


def P_21_a_strangers_question(scene):
    scene.says(f"<iq type='get' id='who' from='stranger@south.test/x' to='{scene.jid}'><query xmlns='jabber:iq:version'/></iq>")
    return Leak(scene.client, lambda element: element.find("{jabber:iq:version}query") is not None, ("presence.resource-not-shown",))


# From the client to the server

def asks(to, payload, reasons):
    def play(scene):
        scene.client.request("get", payload, to)
        return Leak(scene.server, lambda element: element.get("to") == to and element.tag == c("iq"), reasons)
    return play


P_07_a_ping_to_a_resource = asks("watched@south.test/desk", "<ping xmlns='urn:xmpp:ping'/>", ("presence.resource-not-shown",))
P_20_last_activity_of_an_account = asks("stranger@south.test", "<query xmlns='jabber:iq:last'/>", ("presence.stranger",))
P_22_features_of_an_account = asks("stranger@south.test", "<query xmlns='http://jabber.org/protocol/disco#info'/>", ("presence.stranger",))
P_27_a_strangers_vcard = asks("stranger@south.test", "<vCard xmlns='vcard-temp'/>", ("presence.stranger",))


def P_06_directed_presence(scene):
    scene.client.presence("stranger@south.test/x", inside="<status>here I am</status>")
    return Leak(scene.server, lambda element: element.findtext(c("status")) == "here I am", ("presence.not-subscribed",))


def P_06_directed_presence_to_somebody_who_does_not_watch(scene):
    scene.client.presence("watched@south.test", inside="<status>here I am</status>")
    return Leak(scene.server, lambda element: element.findtext(c("status")) == "here I am", ("presence.not-subscribed",))


def P_07_a_message_to_a_resource(scene):
    scene.client.message("watched@south.test/desk", "<body>are you at this desk?</body>", kind="normal")
    arrived = lambda element: element.findtext(c("body")) == "are you at this desk?"  # noqa: E731
    return Leak(scene.server, lambda element: arrived(element) and element.get("to") == "watched@south.test/desk", ("presence.readdressed",),
                lambda element: arrived(element) and element.get("to") == "watched@south.test")


def P_06_directed_presence_to_somebody_who_is_blocked(scene):
    result_of(scene.client.ask("set", "<block xmlns='urn:xmpp:blocking'><item jid='friend@south.test'/></block>"))
    scene.client.presence("friend@south.test", inside="<status>here I am</status>")
    return Leak(scene.server, lambda element: element.findtext(c("status")) == "here I am", ("presence.after-cancellation",))


def P_24_a_receipt_to_a_stranger(scene):
    scene.client.message("stranger@south.test/x", "<received xmlns='urn:xmpp:receipts' id='1'/>")
    return Leak(scene.server, has("{urn:xmpp:receipts}received"), ("presence.activity-only",))


def P_37_addresses_in_a_call(scene):
    scene.presence("friend@south.test/x")
    scene.client.expect(is_from("friend@south.test/x"), "presence")
    scene.client.request("set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s'/>", "friend@south.test/x")
    return Leak(scene.server, has("{urn:xmpp:jingle:1}jingle"), ("payload.denied",))


def P_44_many_strangers(scene):
    for number in range(61):
        scene.client.message(f"guess-{number}@south.test", "<body>?</body>")
    return Leak(scene.server, lambda element: element.get("to") == "guess-60@south.test", ("presence.harvest",))


NAMES = {value: name for name, value in list(globals().items()) if name.startswith("P_")}
PLAYS = list(NAMES)


@pytest.mark.parametrize("play", PLAYS, ids=NAMES.get)
def test_only_what_the_rules_let_through_is_seen(laboratory, scene, play):
    leak = play(scene)
    if not laboratory.judged:
        leak.at.expect(leak.seen, "the leak")
        return
    scene.news.await_record(lambda record: {record.get("reason"), *record.get("findings", [])} & set(leak.reasons), f"one of {leak.reasons}")
    if leak.instead:
        leak.at.expect(leak.instead, "what is left of it")
    scene.barrier()
    seen = scene.client.inbox if leak.at is scene.client else scene.heard()
    assert not [each for each in seen if leak.seen(each)]


@pytest.mark.parametrize("end", [a_push("none"), a_push("remove"), unsubscribed, unsubscribe, the_client_removes_him, a_roster_without_him],
                         ids=["none", "remove", "unsubscribed", "unsubscribe", "removed-by-the-client", "a-roster-without-him"])
def test_P_00_ROS_08_who_was_shown_is_taken_back_once_if_the_server_does_not(laboratory, scene, end):
    for resource in ("desk", "phone"):
        scene.presence(f"friend@south.test/{resource}")
        scene.client.expect(is_from(f"friend@south.test/{resource}"), "presence")
    end(scene)
    scene.presence("friend@south.test/desk", kind="unavailable")
    scene.client.expect(is_from("friend@south.test/desk", "unavailable"), "what the server says")
    if laboratory.judged:
        gone = scene.client.expect(is_from("friend@south.test/phone", "unavailable"), "what the guard says")
        assert not len(gone)
    for resource in ("desk", "phone", "attic"):
        scene.presence(f"friend@south.test/{resource}")
        scene.presence(f"friend@south.test/{resource}", kind="unavailable")
    scene.barrier()
    after = [each for each in scene.client.inbox if (each.get("from") or "").startswith("friend@south.test/")]
    assert len(after) == (0 if laboratory.judged else 6)


def test_ROS_04_the_roster_may_be_asked_for_after_presence_has_come(laboratory):
    """What came before is neither lost nor shown to somebody who may not see it."""
    late = Scene(laboratory, roster=False)
    for sender in ("friend@south.test/x", "stranger@south.test/x", "watched@south.test/x"):
        late.presence(sender, "<status>early</status>")
    late.presence("watched@south.test/x", kind="unavailable")
    late.barrier()
    seen = {each.get("from") for each in late.client.inbox if each.tag == c("presence")}
    assert seen == (set() if laboratory.judged else {"friend@south.test/x", "stranger@south.test/x", "watched@south.test/x"})
    late.ask_for_roster()
    if laboratory.judged:
        heard = late.client.expect(is_from("friend@south.test/x"), "what was kept")
        assert heard.findtext(c("status")) == "early"
        late.barrier()
        assert not [each for each in late.client.inbox if each.tag == c("presence")]
    late.close()


def test_P_13_the_account_sees_its_other_clients(laboratory, scene):
    other = f"{scene.account}/chamber"
    scene.presence(other, "<show>away</show>")
    scene.client.expect(is_from(other), "it")
    scene.client.presence(inside="<show>xa</show>")
    scene.server.expect(lambda element: element.get("from") == scene.jid and element.findtext(c("show")) == "xa", "its own presence")
