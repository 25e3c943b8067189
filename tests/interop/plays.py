"""What two people in two enclaves do together. Each play takes the Stage and fails by an assertion or a Silence.

A play is written once and run with and without the guard, in both directions, and again where it must fail.
"""

import xml.etree.ElementTree as ElementTree

from lab.conversation import STANZAS, c
from lab.xmpp_client import XML_LANG

UNICODE = "Wherefore art thou? Ἄρης, Ωμέγα, Ünïcödé, שלום, 你好, e\u0301, \U0001f5e1\ufe0f <&>\"' \t tab"
QUESTION = "urn:example:question"
VERSION = "jabber:iq:version"
ROSTER = "jabber:iq:roster"
FULL_SIZE = 60 * 1024


class Stage:
    """Two people: `near` speaks first, `far` is in the other enclave. `rooms` is the room service of the far enclave.

    judged: a guard with the ordinary policy is between them: of an error of a user it says only that there is one, and of presence it
    lets cross what one is and says.
    """

    def __init__(self, near, far, rooms, judged=False, count=2000):
        self.near = near
        self.far = far
        self.rooms = rooms
        self.judged = judged
        self.count = count

    def both_ways(self):
        return ((self.near, self.far), (self.far, self.near))


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\t", "&#9;")


def subscribe(watcher, watched):
    watcher.presence(watched.bare, "subscribe")
    watched.expect_presence(sender=watcher.bare, type="subscribe")
    watched.presence(watcher.bare, "subscribed")
    watcher.expect_presence(sender=watched.bare, type="subscribed")


def acquaint(stage):
    """Both are there and see each other, as people do who talk. Of an earlier play they may be subscribed already."""
    for person in (stage.near, stage.far):
        person.presence()
    for watcher, watched in stage.both_ways():
        if watcher.subscription(watched.bare) not in ("to", "both"):
            subscribe(watcher, watched)
        watcher.expect_presence(sender=watched.jid, type=None)


def part(stage):
    """Both are there, and neither has the other in his roster, whatever was before."""
    for person in (stage.near, stage.far):
        person.presence()
    for person, contact in stage.both_ways():
        had = person.subscription(contact.bare)
        if had is None:
            continue
        person.ask("set", f"<query xmlns='{ROSTER}'><item jid='{contact.bare}' subscription='remove'/></query>", None)
        if had in ("to", "both"):
            contact.expect_presence(sender=person.bare, type="unsubscribe")
        if had in ("from", "both"):
            contact.expect_presence(sender=person.bare, type="unsubscribed")


def chat(stage):
    acquaint(stage)
    near, far = stage.near, stage.far
    near.message(far.jid, f"<body>{escaped(UNICODE)}</body>")
    heard = far.expect_message(sender=near.jid, type="chat", body=UNICODE)
    assert heard.get("to") == far.jid
    far.message(near.jid, "<body>an answer</body>")
    near.expect_message(sender=far.jid, body="an answer")


def subject_thread_and_language(stage):
    acquaint(stage)
    near, far = stage.near, stage.far
    sent = near.message(far.jid, "<subject>Balcony</subject><subject xml:lang='it'>Balcone</subject>"
                        "<body>Tonight</body><body xml:lang='it'>Stasera</body>"
                        "<thread parent='act-one'>act-two</thread>", kind="normal", more=" xml:lang='en-GB'")
    heard = far.expect_message(sender=near.jid, id=sent)
    assert heard.get(XML_LANG) == "en-GB", heard.attrib
    assert heard.get("type") in (None, "normal")
    said = {(child.tag, child.get(XML_LANG)): child.text for child in heard}
    assert said[(c("subject"), "it")] == "Balcone" and said[(c("body"), "it")] == "Stasera"
    assert heard.findtext(c("subject")) == "Balcony" and heard.findtext(c("body")) == "Tonight"
    thread = heard.find(c("thread"))
    assert thread.text == "act-two" and thread.get("parent") == "act-one"


def large_body(stage):
    acquaint(stage)
    text = ("All the world's a stage. " * (FULL_SIZE // 25 + 1))[:FULL_SIZE]
    for speaker, listener in stage.both_ways():
        sent = speaker.message(listener.jid, f"<body>{text}</body>")
        assert listener.expect_message(id=sent).findtext(c("body")) == text


def requests(stage):
    """With a payload that no policy knows."""
    acquaint(stage)
    near, far = stage.near, stage.far
    for kind in ("get", "set"):
        asked = near.request(kind, f"<query xmlns='{QUESTION}' about='{kind}'>why</query>", far.jid)
        question = far.expect_request(sender=near.jid, type=kind)
        query = question.find(f"{{{QUESTION}}}query")
        assert query.text == "why" and query.get("about") == kind
        far.reply(question, f"<query xmlns='{QUESTION}'>because</query>")
        answer = near.answer_to(asked)
        assert answer.get("type") == "result" and answer.get("from") == far.jid
        assert answer.find(f"{{{QUESTION}}}query").text == "because"


def software_version(stage):
    acquaint(stage)
    query = f"<query xmlns='{VERSION}'/>"
    for asker, answerer in stage.both_ways():
        asked = asker.request("get", query, answerer.jid)
        question = answerer.expect_request(sender=asker.jid, type="get")
        answerer.reply(question, f"<query xmlns='{VERSION}'><name>quill</name><version>1597</version></query>")
        answer = asker.answer_to(asked)
        assert answer.get("type") == "result" and answer.get("from") == answerer.jid
        assert answer.findtext(f"{{{VERSION}}}query/{{{VERSION}}}name") == "quill"
        asked = asker.request("get", query, answerer.jid)
        question = answerer.expect_request(sender=asker.jid, type="get")
        answerer.reply(question, f"<error type='modify'><not-acceptable xmlns='{STANZAS}'/>"
                       f"<text xmlns='{STANZAS}' xml:lang='en'>not now</text></error>", kind="error")
        answer = asker.answer_to(asked)
        assert answer.get("type") == "error"
        error = answer.find(c("error"))
        kind, condition = ("cancel", "service-unavailable") if stage.judged else ("modify", "not-acceptable")
        assert error.get("type") == kind and error.find(f"{{{STANZAS}}}{condition}") is not None
        # Even a guard that judges nothing keeps the texts of errors to itself.
        assert error.findtext(f"{{{STANZAS}}}text") in ((None,) if stage.judged else ("not now", None))


def ping(stage):
    for asker, answerer in stage.both_ways():
        answer = asker.ask("get", "<ping xmlns='urn:xmpp:ping'/>", answerer.domain)
        assert answer.get("type") == "result" and answer.get("from") == answerer.domain, ElementTree.tostring(answer)


def subscription(stage):
    near, far = stage.near, stage.far
    part(stage)
    subscribe(near, far)
    near.expect_presence(sender=far.jid, type=None)
    subscribe(far, near)
    far.expect_presence(sender=near.jid, type=None)
    near.presence(inside="<show>away</show><status>gone to Mantua</status><priority>-1</priority>")
    told = far.expect_presence(sender=near.jid, type=None)
    while told.findtext(c("show")) is None:  # the first presence may still be on its way twice: answered probe and broadcast
        told = far.expect_presence(sender=near.jid, type=None)
    assert told.findtext(c("show")) == "away" and told.findtext(c("status")) == "gone to Mantua"
    assert told.findtext(c("priority")) == (None if stage.judged else "-1")
    near.presence(far.bare, "unsubscribe")
    far.expect_presence(sender=near.bare, type="unsubscribe")
    far.presence(near.bare, "unsubscribed")
    far.presence(near.bare, "unsubscribe")
    near.expect_presence(sender=far.bare, type="unsubscribe")
    near.presence(kind="unavailable")
    far.presence(kind="unavailable")


def room(stage):
    near, far = stage.near, stage.far
    there = f"verona{far.next_id()}@{stage.rooms}"
    muc = "http://jabber.org/protocol/muc"
    far.presence(f"{there}/two", inside=f"<x xmlns='{muc}'/>")
    far.expect_presence(sender=f"{there}/two", type=None)
    far.ask("set", f"<query xmlns='{muc}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", there)
    near.presence(f"{there}/one", inside=f"<x xmlns='{muc}'><history maxstanzas='0'/></x>")
    near.expect_presence(sender=f"{there}/two", type=None)
    itself = near.expect_presence(sender=f"{there}/one", type=None)
    codes = {status.get("code") for status in itself.iter(f"{{{muc}#user}}status")}
    assert "110" in codes, codes
    far.expect_presence(sender=f"{there}/one", type=None)
    near.message(there, "<body>A plague on both your houses</body>", kind="groupchat")
    for person in (near, far):
        person.expect_message(sender=f"{there}/one", type="groupchat", body="A plague on both your houses")
    far.message(there, "<body>Peace</body>", kind="groupchat")
    for person in (near, far):
        person.expect_message(sender=f"{there}/two", type="groupchat", body="Peace")
    near.presence(f"{there}/one", "unavailable")
    near.expect_presence(sender=f"{there}/one", type="unavailable")
    far.presence(f"{there}/two", "unavailable")


def many_in_order(stage):
    acquaint(stage)
    near, far = stage.near, stage.far
    for number in range(stage.count):
        near.message(far.jid, f"<body>{number}</body>")
    for number in range(stage.count):
        heard = far.expect_message(60, sender=near.jid)
        assert heard.findtext(c("body")) == str(number)


PLAYS = [chat, subject_thread_and_language, large_body, software_version, ping, subscription, room, many_in_order]
PLAYS_OF_ANYTHING = [*PLAYS, requests]  # where no policy forbids what it does not know
