"""The leak catalogue (protocol.md section 6, design.md section 10) as plays between two people whose servers are real.

Each play sets going what would tell `spy` something of `target` that is not spy's to know, and gives the Leak: what would be
seen, where, if no rule stopped it. A play is run twice: with the ordinary policy nothing of it may be seen, and the record has
to say by which rule; with every rule off (leaks-open.toml) it has to be seen, or the play would show nothing.
"""

import collections.abc
import dataclasses

from lab.conversation import STANZAS, c

CAPS = "http://jabber.org/protocol/caps"
DISCO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
STATES = "http://jabber.org/protocol/chatstates"
MUC = "http://jabber.org/protocol/muc"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
LAST = "jabber:iq:last"
VERSION = "jabber:iq:version"
NOT_SHOWN = ("presence.resource-not-shown",)
STRANGER = ("presence.stranger",)
TAKEN_OUT = ("presence.folded", "payload.out", "payload.delay")


@dataclasses.dataclass
class Leak:
    """at: who would see it (or, None, the record would show its release). seen: whether a stanza, or a record, is the leak.
    reasons: reasons or findings, one of which the record must have. instead: what arrives in the leak's place, if anything.
    """

    at: object
    seen: collections.abc.Callable
    reasons: tuple
    instead: collections.abc.Callable = None


def is_from(person, element):
    return (element.get("from") or "").split("/")[0] == person.bare


def message_with(person, body):
    return lambda element: element.tag == c("message") and is_from(person, element) and element.findtext(c("body")) == body


def has(*tags):
    return lambda element: any(element.find(f".//{tag}") is not None for tag in tags)


def request_of(person, namespace):
    """A request of that person, as it arrives at whoever is asked."""
    return lambda element: (element.tag == c("iq") and is_from(person, element) and element.get("type") in ("get", "set") and
                            any(child.tag.startswith(f"{{{namespace}}}") for child in element))


def released(person, kind, *types):
    """The record of something of that person that crossed."""
    return lambda record: (record.get("kind") == kind and record.get("type", "") in types and
                           record.get("verdict") in ("release", "alter") and record.get("from", "").split("/")[0] == person.bare)


# 6.3 Presence itself

def P_01_presence_after_the_end(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.target.presence(scene.spy.bare, "unsubscribed")
    scene.spy.expect_presence(sender=scene.target.bare, type="unsubscribed")
    scene.target.presence(scene.spy.bare, inside="<status>as ever</status>")
    return Leak(scene.spy, lambda element: element.findtext(c("status")) == "as ever", ("presence.after-cancellation",))


def P_03_priority_idle_and_delay(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.target.presence(inside="<show>away</show><status>idle</status><priority>5</priority>"
                          "<idle xmlns='urn:xmpp:idle:1' since='2026-01-01T00:00:00Z'/>"
                          "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>")
    told = has(c("priority"), "{urn:xmpp:idle:1}idle", "{urn:xmpp:delay}delay")
    return Leak(scene.spy, lambda element: is_from(scene.target, element) and told(element), TAKEN_OUT,
                lambda element: element.findtext(c("status")) == "idle" and not told(element))


def P_03_each_of_many_changes(scene):
    scene.subscribe(scene.spy, scene.target)
    for number in range(10):
        scene.target.presence(inside=f"<status>change {number}</status>")
    return Leak(scene.spy, lambda element: element.findtext(c("status")) == "change 5", ("presence.coalesced",),
                lambda element: element.findtext(c("status")) == "change 9")


def P_05_a_probe(scene):
    scene.target.presence(scene.spy.bare)  # so that the target's server has something to tell
    scene.spy.presence(scene.target.bare, "probe")
    return Leak(None, released(scene.spy, "presence", "probe"), ("presence.probe-refused",))


def P_06_directed_presence(scene):
    scene.target.presence(scene.spy.jid, inside="<status>directed</status>")
    return Leak(scene.spy, lambda element: element.findtext(c("status")) == "directed", ("presence.not-subscribed",))


def P_07_a_message_to_a_resource(scene):
    scene.spy.message(scene.target.jid, "<body>are you at this desk?</body>", kind="normal")
    arrived = message_with(scene.spy, "are you at this desk?")
    return Leak(scene.target, lambda element: arrived(element) and element.get("to") == scene.target.jid,
                ("presence.readdressed",), lambda element: arrived(element) and element.get("to") == scene.target.bare)


def P_08_what_a_request_for_subscription_carries(scene):
    scene.spy.presence(scene.target.jid, "subscribe", "<status>buy now</status><x xmlns='vcard-temp:x:update'><photo>1</photo></x>")
    asked = lambda element: element.get("type") == "subscribe" and is_from(scene.spy, element)  # noqa: E731
    told = has(c("status"), "{vcard-temp:x:update}x")
    return Leak(scene.target, lambda element: asked(element) and told(element), ("shape.subscription-emptied",),
                lambda element: asked(element) and not told(element))


def P_14_capabilities_photo_and_signature(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.target.presence(inside=f"<status>dressed</status><c xmlns='{CAPS}' hash='sha-1' node='urn:client' "
                          "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
                          "<x xmlns='vcard-temp:x:update'><photo>e5fa44f2b31c1fb553b6021e7360d07d5d91ff5e</photo></x>"
                          "<x xmlns='jabber:x:signed'>aGFuZA==</x><nick xmlns='http://jabber.org/protocol/nick'>J</nick>")
    told = has(f"{{{CAPS}}}c", "{vcard-temp:x:update}x", "{jabber:x:signed}x", "{http://jabber.org/protocol/nick}nick")
    return Leak(scene.spy, lambda element: is_from(scene.target, element) and told(element), TAKEN_OUT,
                lambda element: element.findtext(c("status")) == "dressed" and not told(element))


def P_15_last_words(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.target.presence(kind="unavailable", inside="<status>going to the airport</status>")
    gone = lambda element: element.get("type") == "unavailable" and is_from(scene.target, element)  # noqa: E731
    return Leak(scene.spy, lambda element: gone(element) and element.find(c("status")) is not None, TAKEN_OUT,
                lambda element: gone(element) and not len(element))


# 6.4 Side channels

def asks(payload, namespace):
    """A stranger's request to a resource: the client there would answer it."""
    def play(scene):
        scene.spy.request("get", payload, scene.target.jid)
        return Leak(scene.target, request_of(scene.spy, namespace), NOT_SHOWN)
    return play


P_07_a_ping_to_a_resource = asks("<ping xmlns='urn:xmpp:ping'/>", "urn:xmpp:ping")
P_20_idle_time_of_a_resource = asks(f"<query xmlns='{LAST}'/>", LAST)
P_21_software_of_a_resource = asks(f"<query xmlns='{VERSION}'/>", VERSION)
P_21_time_of_a_resource = asks("<time xmlns='urn:xmpp:time'/>", "urn:xmpp:time")
P_22_features_of_a_resource = asks(f"<query xmlns='{DISCO}'/>", DISCO)


def P_20_last_activity_of_an_account(scene):
    scene.spy.request("get", f"<query xmlns='{LAST}'/>", scene.target.bare)
    return Leak(None, released(scene.spy, "iq", "get"), STRANGER)


def P_21_software_of_a_server(scene):
    scene.spy.request("get", f"<query xmlns='{VERSION}'/>", scene.target.domain)
    return Leak(scene.spy, lambda element: bool(element.findtext(f"{{{VERSION}}}query/{{{VERSION}}}name")), ("iq.not-allowed",))


def P_22_features_of_a_server(scene):
    scene.spy.request("get", f"<query xmlns='{DISCO}'/>", scene.target.domain)
    features = lambda element: [each.get("var") for each in element.iter(f"{{{DISCO}}}feature")]  # noqa: E731
    return Leak(scene.spy, lambda element: "vcard-temp" in features(element), ("iq.answered",))


def P_22_components_of_a_server(scene):
    scene.spy.request("get", f"<query xmlns='{ITEMS}'/>", scene.target.domain)
    items = lambda element: [each.get("jid") for each in element.iter(f"{{{ITEMS}}}item")]  # noqa: E731
    return Leak(scene.spy, lambda element: f"upload.{scene.target.domain}" in items(element), ("iq.answered",))


def P_22_features_of_an_account(scene):
    scene.spy.request("get", f"<query xmlns='{DISCO}'/>", scene.target.bare)
    return Leak(None, released(scene.spy, "iq", "get"), STRANGER)


def P_23_features_by_the_hash_of_capabilities(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.spy.request("get", f"<query xmlns='{DISCO}' node='urn:client#QgayPKawpkPSDYmwT/WM94uAlu0='/>", scene.target.jid)
    return Leak(scene.target, request_of(scene.spy, DISCO), ("payload.denied",))


def P_24_a_strangers_request_for_a_receipt(scene):
    scene.spy.message(scene.target.bare, f"<body>there?</body><request xmlns='{RECEIPTS}'/><markable xmlns='{MARKERS}'/>")
    arrived, told = message_with(scene.spy, "there?"), has(f"{{{RECEIPTS}}}request", f"{{{MARKERS}}}markable")
    return Leak(scene.target, lambda element: arrived(element) and told(element), ("presence.activity-stripped",),
                lambda element: arrived(element) and not told(element))


def P_24_a_receipt_to_a_stranger(scene):
    scene.target.message(scene.spy.jid, f"<received xmlns='{RECEIPTS}' id='lab1'/>")
    return Leak(scene.spy, has(f"{{{RECEIPTS}}}received"), ("presence.activity-only",))


def P_24_a_marker_to_a_stranger(scene):
    scene.target.message(scene.spy.jid, f"<displayed xmlns='{MARKERS}' id='lab1'/>")
    return Leak(scene.spy, has(f"{{{MARKERS}}}displayed"), ("presence.activity-only",))


def P_25_typing_to_a_stranger(scene):
    scene.target.message(scene.spy.jid, f"<composing xmlns='{STATES}'/>")
    return Leak(scene.spy, has(f"{{{STATES}}}composing"), ("presence.activity-only",))


def P_25_the_state_beside_a_text(scene):
    scene.target.message(scene.spy.jid, f"<body>good night</body><gone xmlns='{STATES}'/>")
    arrived, told = message_with(scene.target, "good night"), has(f"{{{STATES}}}gone")
    return Leak(scene.spy, lambda element: arrived(element) and told(element), ("presence.activity-stripped",),
                lambda element: arrived(element) and not told(element))


def P_27_a_strangers_vcard(scene):
    answer = scene.target.ask("set", "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>")
    assert answer.get("type") == "result"
    scene.spy.request("get", "<vCard xmlns='vcard-temp'/>", scene.target.bare)
    return Leak(scene.spy, lambda element: element.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Juliet Capulet", STRANGER)


def P_28_the_error_for_an_unknown_account(scene):
    sent = scene.spy.message(f"nobody-{scene.number}@{scene.target.domain}", "<body>anybody?</body>")
    return Leak(scene.spy, lambda element: element.get("type") == "error" and element.get("id") == sent, ("error.to-stranger",))


FORWARDED = ("<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
             "<message xmlns='jabber:client' from='{0}/attic' to='{1}'><body>once</body></message></forwarded>")


def P_29_a_forwarded_message(scene):
    scene.target.message(scene.spy.jid, FORWARDED.format(scene.target.bare, scene.spy.bare) + "<body>look</body>")
    return Leak(scene.spy, has("{urn:xmpp:forward:0}forwarded"), ("payload.denied",))


def P_30_the_error_of_somebody_who_blocks(scene):
    blocked = scene.target.ask("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{scene.spy.bare}'/></block>")
    assert blocked.get("type") == "result"
    sent = scene.spy.message(scene.target.bare, "<body>talk to me</body>")
    return Leak(scene.spy, lambda element: element.get("type") == "error" and element.get("id") == sent, ("error.to-stranger",))


def refused_request(kind, payload, to_domain=True):
    def play(scene):
        scene.spy.request(kind, payload, scene.target.domain if to_domain else scene.target.bare)
        return Leak(None, released(scene.spy, "iq", kind), ("iq.not-allowed",) if to_domain else STRANGER)
    return play


P_30_a_block_list = refused_request("get", "<blocklist xmlns='urn:xmpp:blocking'/>", to_domain=False)
P_32_registration = refused_request("get", "<query xmlns='jabber:iq:register'/>")
P_33_push_notifications = refused_request("set", "<enable xmlns='urn:xmpp:push:0' jid='push.north.test' node='n'/>")


def P_34_the_id_of_a_request(scene):
    scene.subscribe(scene.spy, scene.target)
    sent = scene.spy.request("get", f"<query xmlns='{VERSION}'/>", scene.target.jid)
    asked = request_of(scene.spy, VERSION)
    return Leak(scene.target, lambda element: asked(element) and element.get("id") == sent, ("policy.granted",),
                lambda element: asked(element) and len(element.get("id")) >= 22)


def P_34_the_id_of_an_archive(scene):
    scene.target.message(scene.spy.jid, "<body>archived</body><stanza-id xmlns='urn:xmpp:sid:0' id='4711' by='archive.elsewhere.test'/>")
    arrived, told = message_with(scene.target, "archived"), has("{urn:xmpp:sid:0}stanza-id")
    return Leak(scene.spy, lambda element: arrived(element) and told(element), ("payload.stanza-id",),
                lambda element: arrived(element) and not told(element))


def P_35_when_a_strangers_message_was_written(scene):
    scene.target.message(scene.spy.jid, f"<body>late</body><delay xmlns='urn:xmpp:delay' from='{scene.target.domain}' "
                         "stamp='2026-01-01T00:00:00Z'/>")
    arrived, told = message_with(scene.target, "late"), has("{urn:xmpp:delay}delay")
    return Leak(scene.spy, lambda element: arrived(element) and told(element), ("presence.activity-stripped",),
                lambda element: arrived(element) and not told(element))


def P_36_an_occupant_id_of_a_user(scene):
    scene.target.message(scene.spy.jid, "<body>who am I?</body>"
                         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72603deec90a38ba552f7c68cbcc61bca202cd'/>")
    return Leak(scene.spy, has("{urn:xmpp:occupant-id:0}occupant-id"), ("payload.service",))


def P_37_addresses_in_a_call(scene):
    scene.subscribe(scene.spy, scene.target)
    scene.spy.request("set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'>"
                      "<content creator='initiator' name='voice'>"
                      "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'><candidate ip='192.0.2.17' port='4000' id='1' component='1' "
                      "foundation='1' generation='0' priority='1' protocol='udp'/></transport></content></jingle>", scene.target.jid)
    return Leak(scene.target, request_of(scene.spy, "urn:xmpp:jingle:1"), ("payload.denied", "payload.unknown"))


def P_39_an_invitation(scene):
    scene.target.message(scene.spy.jid, "<body>come</body><x xmlns='jabber:x:conference' jid='secret@rooms.elsewhere.test'/>")
    arrived, told = message_with(scene.target, "come"), has("{jabber:x:conference}x")
    return Leak(scene.spy, lambda element: arrived(element) and told(element), ("payload.out", "payload.denied"),
                lambda element: arrived(element) and not told(element))


def P_44_many_strangers(scene):
    for number in range(61):
        scene.spy.message(f"guess-{number}@{scene.target.domain}", "<body>?</body>")
    last = released(scene.spy, "message", "chat", "normal")
    return Leak(None, lambda record: last(record) and record.get("to") == f"guess-60@{scene.target.domain}", ("presence.harvest",))


# design.md section 10

def again_a_request_that_is_pending(scene):
    scene.spy.presence(scene.target.bare, "subscribe")
    scene.target.expect_presence(sender=scene.spy.bare, type="subscribe")
    scene.forget()
    scene.spy.presence(scene.target.bare, "subscribe")
    return Leak(None, released(scene.spy, "presence", "subscribe"), ("presence.asked-lately",))


def texts_of_an_error(scene):
    """Of an error of a user, whom one may see, nothing is told but that there is one."""
    scene.subscribe(scene.spy, scene.target)
    sent = scene.spy.request("get", f"<query xmlns='{VERSION}'/>", scene.target.jid)
    asked = scene.target.expect_request(sender=scene.spy.jid, type="get")
    scene.target.reply(asked, f"<error type='auth'><forbidden xmlns='{STANZAS}'/><text xmlns='{STANZAS}'>not from the field</text></error>",
                       "error")
    answer = lambda element: element.get("id") == sent and element.get("type") == "error"  # noqa: E731
    told = has(f"{{{STANZAS}}}forbidden", f"{{{STANZAS}}}text")
    return Leak(scene.spy, lambda element: answer(element) and told(element), ("error.levelled",),
                lambda element: answer(element) and not told(element))


# Rooms

def owned_room(scene, whois="anyone"):
    """A room of the target's service; the target is in it. Everybody may see who is who."""
    room = f"leak{scene.number}@rooms.{scene.target.domain}"
    scene.target.presence(f"{room}/owner", inside=f"<x xmlns='{MUC}'/>")
    scene.target.expect_presence(sender=f"{room}/owner", type=None)
    form = (f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>{MUC}#roomconfig</value></field>"
            f"<field var='muc#roomconfig_whois'><value>{whois}</value></field></x>")
    answer = scene.target.ask("set", f"<query xmlns='{MUC}#owner'>{form}</query>", room)
    assert answer.get("type") == "result"
    return room


def P_10_real_addresses_of_occupants(scene):
    room = owned_room(scene)
    scene.spy.presence(f"{room}/spy", inside=f"<x xmlns='{MUC}'/>")
    occupant = lambda element: element.get("from") == f"{room}/owner" and element.tag == c("presence")  # noqa: E731
    told = lambda element: any(item.get("jid") for item in element.iter(f"{{{MUC}#user}}item"))  # noqa: E731
    return Leak(scene.spy, lambda element: occupant(element) and told(element), ("payload.real-jid", "presence.folded"),
                lambda element: occupant(element) and not told(element))


def P_10_occupants_of_a_room_from_outside(scene):
    room = owned_room(scene)
    scene.spy.request("get", f"<query xmlns='{ITEMS}'/>", room)
    return Leak(None, released(scene.spy, "iq", "get"), ("iq.not-allowed",))


def P_39_who_invites(scene):
    """The room says in whose name it invites; where a server does not take part in this, the member says it itself."""
    room = owned_room(scene)
    scene.target.message(room, f"<x xmlns='{MUC}#user'><invite to='{scene.spy.bare}'><reason>play</reason></invite></x>", kind=None)
    invited = lambda element: element.find(f"{{{MUC}#user}}x/{{{MUC}#user}}invite") is not None  # noqa: E731
    told = lambda element: any(each.get("from") for each in element.iter(f"{{{MUC}#user}}invite"))  # noqa: E731
    return Leak(scene.spy, lambda element: invited(element) and told(element), ("payload.real-jid", "payload.out"),
                lambda element: invited(element) and not told(element))


PLAYS = [play for name, play in list(globals().items())
         if name.startswith("P_") and callable(play)] + [again_a_request_that_is_pending, texts_of_an_error]
NAMES = {play: name for name, play in list(globals().items()) if callable(play)}
