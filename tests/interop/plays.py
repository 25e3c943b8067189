"""What two people in two enclaves do together. Each play takes the Stage and fails by an assertion or a Silence.

A play is written once and run with and without the guard, in both directions, and again where it must fail.
"""

import xml.etree.ElementTree as ElementTree

from lab.xmpp_client import STANZAS, XML_LANG, c

UNICODE = "Wherefore art thou? Ἄρης, Ωμέγα, Ünïcödé, שלום, 你好, e\u0301, \U0001f5e1\ufe0f <&>\"' \t tab"
QUESTION = "urn:example:question"
FULL_SIZE = 60 * 1024


class Stage:
    """Two people: `near` speaks first, `far` is in the other enclave. `rooms` is the room service of the far enclave."""

    def __init__(self, near, far, rooms, count=2000):
        self.near = near
        self.far = far
        self.rooms = rooms
        self.count = count


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\t", "&#9;")


def chat(stage):
    near, far = stage.near, stage.far
    near.message(far.jid, f"<body>{escaped(UNICODE)}</body>")
    heard = far.expect_message(sender=near.jid, type="chat", body=UNICODE)
    assert heard.get("to") == far.jid
    far.message(near.jid, "<body>an answer</body>")
    near.expect_message(sender=far.jid, body="an answer")


def subject_thread_and_language(stage):
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
    text = ("All the world's a stage. " * (FULL_SIZE // 25 + 1))[:FULL_SIZE]
    for speaker, listener in ((stage.near, stage.far), (stage.far, stage.near)):
        sent = speaker.message(listener.jid, f"<body>{text}</body>")
        assert listener.expect_message(id=sent).findtext(c("body")) == text


def requests(stage):
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
    asked = near.request("get", f"<query xmlns='{QUESTION}'/>", far.jid)
    question = far.expect_request(sender=near.jid, type="get")
    far.reply(question, f"<error type='modify'><not-acceptable xmlns='{STANZAS}'/>"
              f"<text xmlns='{STANZAS}' xml:lang='en'>not now</text></error>", kind="error")
    answer = near.answer_to(asked)
    assert answer.get("type") == "error"
    error = answer.find(c("error"))
    assert error.get("type") == "modify" and error.find(f"{{{STANZAS}}}not-acceptable") is not None
    assert error.findtext(f"{{{STANZAS}}}text") in ("not now", None)  # a guard may keep texts of errors to itself


def ping(stage):
    for asker, answerer in ((stage.near, stage.far), (stage.far, stage.near)):
        answer = asker.ask("get", "<ping xmlns='urn:xmpp:ping'/>", answerer.domain)
        assert answer.get("type") == "result" and answer.get("from") == answerer.domain, ElementTree.tostring(answer)


def subscription(stage):
    near, far = stage.near, stage.far
    near.presence()
    far.presence()
    near.presence(far.bare, "subscribe")
    far.expect_presence(sender=near.bare, type="subscribe")
    far.presence(near.bare, "subscribed")
    near.expect_presence(sender=far.bare, type="subscribed")
    near.expect_presence(sender=far.jid, type=None)
    far.presence(near.bare, "subscribe")
    near.expect_presence(sender=far.bare, type="subscribe")
    near.presence(far.bare, "subscribed")
    far.expect_presence(sender=near.bare, type="subscribed")
    far.expect_presence(sender=near.jid, type=None)
    near.presence(inside="<show>away</show><status>gone to Mantua</status><priority>-1</priority>")
    told = far.expect_presence(sender=near.jid, type=None)
    while told.findtext(c("show")) is None:  # the first presence may still be on its way twice: answered probe and broadcast
        told = far.expect_presence(sender=near.jid, type=None)
    assert told.findtext(c("show")) == "away" and told.findtext(c("status")) == "gone to Mantua"
    assert told.findtext(c("priority")) == "-1"
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
    near, far = stage.near, stage.far
    for number in range(stage.count):
        near.message(far.jid, f"<body>{number}</body>")
    for number in range(stage.count):
        heard = far.expect_message(60, sender=near.jid)
        assert heard.findtext(c("body")) == str(number)


PLAYS = [chat, subject_thread_and_language, large_body, requests, ping, subscription, room, many_in_order]
