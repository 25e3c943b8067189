"""Plays of the leak catalogue in which the target's or the spy's server is made by hand, since no real one says such things.

The other server is real, and so is the client that would see the leak. As in leaks.py; in addition `scene.forger` speaks for the
hand-made server's domain, and `scene.hand` is what it has received.
"""

from lab.conversation import STANZAS
from lab.s2s_peer import s
from leaks import FORWARDED, Leak, has, is_from

EVENT = "http://jabber.org/protocol/pubsub#event"


def P_00_what_a_leaking_server_sends_after_the_end(scene):
    """Two resources were shown; the server takes neither back, and goes on."""
    scene.befriend()
    for resource in ("desk", "phone"):
        scene.say(f"<presence from='{scene.ghost}/{resource}' to='{scene.person.bare}'/>")
        scene.person.expect_presence(sender=f"{scene.ghost}/{resource}", type=None)
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='unsubscribed'/>")
    scene.person.expect_presence(sender=scene.ghost, type="unsubscribed")
    for resource in ("desk", "phone", "new"):
        scene.say(f"<presence from='{scene.ghost}/{resource}' to='{scene.person.bare}'><status>as ever</status></presence>")
    taken_back = lambda element: element.get("type") == "unavailable" and is_ghosts(scene)(element) and not len(element)  # noqa: E731
    return Leak(scene.person, has("{jabber:client}status"), ("presence.after-cancellation",), taken_back)


def is_ghosts(scene):
    return lambda element: (element.get("from") or "").split("/")[0] == scene.ghost


def P_04_the_acknowledgement_of_a_request(scene):
    scene.person.presence(scene.ghost, "subscribe")
    scene.hand.expect(lambda element: element.get("type") == "subscribe" and is_from(scene.person, element), "the request")
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='unavailable'/>")
    return Leak(scene.person, lambda element: is_ghosts(scene)(element) and element.get("type") == "unavailable", ("presence.not-shown",))


def P_05_a_servers_probe_for_a_stranger(scene):
    """It would be answered: by presence to whoever the person has shown itself to, or by `unsubscribed`."""
    scene.person.presence(scene.ghost)
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='probe'/>")
    return Leak(None, lambda record: record.get("type") == "probe" and record.get("verdict") in ("release", "alter"),
                ("presence.probe-refused",))


def P_09_where_a_contact_has_moved(scene):
    scene.befriend(watched_too=True)
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.jid}' type='error'><error type='cancel'>"
              f"<gone xmlns='{STANZAS}'>xmpp:ghost@bunker.elsewhere.test</gone></error></presence>")
    error = lambda element: element.get("type") == "error" and is_ghosts(scene)(element)  # noqa: E731
    told = has(f"{{{STANZAS}}}gone")
    return Leak(scene.person, lambda element: error(element) and told(element), ("error.levelled",),
                lambda element: error(element) and not told(element) and "bunker" not in "".join(element.itertext()))


def P_26_an_event_of_personal_eventing(scene):
    scene.say(f"<message from='{scene.ghost}' to='{scene.person.bare}' type='headline'><event xmlns='{EVENT}'>"
              "<items node='http://jabber.org/protocol/geoloc'><item id='1' publisher='ghost@elsewhere.test/x'><geoloc "
              "xmlns='http://jabber.org/protocol/geoloc'><lat>45.44</lat></geoloc></item></items></event></message>")
    return Leak(scene.person, has(f"{{{EVENT}}}event"), ("presence.pep",))


def P_29_a_forged_carbon(scene):
    inner = FORWARDED.format(scene.ghost, scene.person.bare)
    scene.say(f"<message from='{scene.ghost}' to='{scene.person.bare}' type='chat'>"
              f"<received xmlns='urn:xmpp:carbons:2'>{inner}</received></message>")
    return Leak(scene.person, has("{urn:xmpp:carbons:2}received"), ("payload.denied", "payload.own-account"))


def P_29_a_forged_result_of_an_archive(scene):
    inner = FORWARDED.format(scene.ghost, scene.person.bare)
    scene.say(f"<message from='{scene.ghost}' to='{scene.person.bare}'>"
              f"<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'>{inner}</result></message>")
    return Leak(scene.person, has("{urn:xmpp:mam:2}result"), ("payload.denied", "iq.query-not-open", "payload.service"))


def P_30_a_forged_roster_push(scene):
    scene.say(f"<iq from='{scene.ghost}/r' to='{scene.person.jid}' type='set' id='push1'><query xmlns='jabber:iq:roster'>"
              "<item jid='mallory@elsewhere.test' subscription='both'/></query></iq>")
    return Leak(scene.person, lambda element: element.find("{jabber:iq:roster}query/{jabber:iq:roster}item[@jid='mallory@elsewhere.test']")
                is not None, ("payload.denied", "payload.own-account"))


def P_30_a_roster_exchange(scene):
    scene.say(f"<message from='{scene.ghost}' to='{scene.person.bare}'><x xmlns='http://jabber.org/protocol/rosterx'>"
              "<item action='add' jid='mallory@elsewhere.test'/></x></message>")
    return Leak(scene.person, has("{http://jabber.org/protocol/rosterx}x"), ("payload.unknown-out", "payload.nothing-left", "payload.denied"))


def P_01_presence_to_somebody_who_never_asked(scene):
    scene.say(f"<presence from='{scene.ghost}/desk' to='{scene.person.bare}'><status>broadcast</status></presence>")
    return Leak(scene.person, has("{jabber:client}status"), ("presence.not-subscribed",))


def P_05_when_somebody_was_last_there(scene):
    """What answers a probe for a contact who is not there may carry a stamp."""
    scene.befriend()
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='unavailable'>"
              "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></presence>")
    return Leak(scene.person, has("{urn:xmpp:delay}delay"), ("presence.folded", "payload.delay", "payload.out"),
                lambda element: is_ghosts(scene)(element) and element.get("type") == "unavailable" and not len(element))


def P_42_which_client_answers_with_an_error(scene):
    """What went to the account comes back from a client, and names its resource."""
    scene.befriend(watched_too=True)
    scene.say(f"<message from='{scene.ghost}' to='{scene.person.bare}' id='m42'><body>can you read this?</body></message>")
    scene.person.expect_message(sender=scene.ghost, id="m42")
    scene.person.send(f"<message to='{scene.ghost}' id='m42' type='error'><error type='cancel'><not-acceptable "
                      f"xmlns='{STANZAS}'/></error></message>")
    error = lambda element: element.get("type") == "error" and element.get("id") == "m42"  # noqa: E731
    return Leak(scene.hand, lambda element: error(element) and "/" in element.get("from"), ("error.levelled",),
                lambda element: error(element) and element.get("from") == scene.person.bare)


def an_unasked_approval(scene):
    """It would open nothing, but shows that the account is there and what its server believes (SUB-10)."""
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='subscribed'/>")
    return Leak(None, lambda record: record.get("type") == "subscribed" and record.get("verdict") in ("release", "alter"),
                ("presence.not-asked",))


def a_refusal_in_no_time(scene):
    """Of an account that does not exist (SUB-06, ERR-07)."""
    scene.person.presence(scene.ghost, "subscribe")
    scene.hand.expect(lambda element: element.get("type") == "subscribe" and is_from(scene.person, element), "the request")
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.bare}' type='unsubscribed'/>")
    return Leak(scene.person, lambda element: is_ghosts(scene)(element) and element.get("type") == "unsubscribed",
                ("presence.denied-at-once",))


def updates_to_who_answers_with_an_error(scene):
    """PRE-14: the watcher's server has said that it does not want them."""
    scene.befriend(watched_too=True)
    scene.person.presence(inside="<status>first</status>")
    scene.hand.expect(lambda element: element.findtext(s("status")) == "first", "presence", since=scene.heard)
    scene.say(f"<presence from='{scene.ghost}' to='{scene.person.jid}' type='error'><error type='cancel'>"
              f"<service-unavailable xmlns='{STANZAS}'/></error></presence>")
    scene.person.expect_presence(sender=scene.ghost, type="error")
    scene.person.presence(inside="<status>second</status>")
    return Leak(scene.hand, lambda element: element.findtext(s("status")) == "second", ("presence.held",))


def an_answer_that_nobody_asked_for(scene):
    """Section 9: it tells whether the id or the account exists, by what comes of it."""
    scene.say(f"<iq from='{scene.ghost}/r' to='{scene.person.jid}' type='result' id='lab1'/>")
    return Leak(None, lambda record: record.get("type") == "result" and record.get("verdict") in ("release", "alter"), ("iq.unsolicited",))


PLAYS = [play for name, play in list(globals().items()) if name.startswith("P_")] + [
    an_unasked_approval, a_refusal_in_no_time, updates_to_who_answers_with_an_error, an_answer_that_nobody_asked_for]
