"""What a client does at the server of its account. Each play takes a ClientStage and fails by an assertion or a Silence.

`roamer` is away from home: in the control it speaks to its server directly, otherwise through the guard. `friend` and `twin`
are at home, with clients that hide nothing: friend has an account of its own, twin is another client of the roamer's account.
judged: the guard's stages are between the roamer and its server, with a policy that lets almost everything cross: an unavailable presence
carries nothing, an error of a user says only that there is one, and one that answers nothing does not pass.
"""

import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

from lab.conversation import STANZAS, Silence, c
from lab.xmpp_client import XML_LANG
from plays import UNICODE, escaped

ROSTER = "jabber:iq:roster"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
MUC = "http://jabber.org/protocol/muc"
MAM = "urn:xmpp:mam:2"
CARBONS = "urn:xmpp:carbons:2"
FORWARD = "{urn:xmpp:forward:0}forwarded"
BLOCKING = "urn:xmpp:blocking"
UPLOAD = "urn:xmpp:http:upload:0"
CONTACTS = 50
FULL_SIZE = 60 * 1024


class ClientStage:
    def __init__(self, roamer, friend, twin, product, judged):
        self.roamer = roamer
        self.friend = friend
        self.twin = twin
        self.product = product
        self.judged = judged
        self.home = friend.domain
        self.account = twin.bare

    def close(self):
        for person in (self.roamer, self.friend, self.twin):
            person.close()


def shown(element):
    return ElementTree.tostring(element, encoding="unicode")[:600]


def result_of(answer):
    assert answer.get("type") == "result", shown(answer)
    return answer


def error_of(answer):
    """The condition of an error."""
    assert answer.get("type") == "error", shown(answer)
    return next(child.tag.partition("}")[2] for child in answer.find(c("error")) if child.tag.startswith("{" + STANZAS + "}") and
                not child.tag.endswith("}text"))


def pushed(person, jid):
    """The next roster push about a contact: (attributes, groups). It is answered, once."""
    push = person.expect(lambda element: element.tag == c("iq") and element.get("type") == "set" and
                         element.find(f"{{{ROSTER}}}query/{{{ROSTER}}}item[@jid='{jid}']") is not None, f"a push about {jid}")
    assert push.get("from") in (None, person.jid.partition("/")[0], person.jid), shown(push)
    if not person.answers_pushes:
        person.reply(push)
    item = push.find(f"{{{ROSTER}}}query/{{{ROSTER}}}item")
    return item.attrib, sorted(group.text for group in item.findall(f"{{{ROSTER}}}group"))


def roster_item(person, inside):
    return person.ask("set", f"<query xmlns='{ROSTER}'>{inside}</query>")


def items(person):
    result = result_of(person.ask("get", f"<query xmlns='{ROSTER}'/>"))
    return {item.get("jid"): ({key: value for key, value in item.attrib.items() if key != "jid"},
                              sorted(group.text for group in item.findall(f"{{{ROSTER}}}group")))
            for item in result.iter(f"{{{ROSTER}}}item")}


def roster(stage):
    """ROS-01, ROS-02, ROS-03, ROS-05, ROS-06: add, rename, remove; both clients of the account see three pushes."""
    contact = f"mercutio@{stage.home}"
    steps = [(f"<item jid='{contact}' name='Mercutio'><group>Friends</group><group>Verona</group><group>Ünïcödé &amp; Co</group></item>",
              "none", "Mercutio", ["Friends", "Verona", "Ünïcödé & Co"]),
             (f"<item jid='{contact}' name='&lt;Queen Mab&gt;'><group>Dreams</group></item>", "none", "<Queen Mab>", ["Dreams"]),
             (f"<item jid='{contact}' subscription='remove'/>", "remove", None, [])]
    for inside, subscription, name, groups in steps:
        result_of(roster_item(stage.roamer, inside))
        for person in (stage.roamer, stage.twin):
            attributes, given = pushed(person, contact)
            assert attributes.get("subscription") == subscription and given == groups, (attributes, given)
            if subscription != "remove":
                assert attributes.get("name") == name
                assert items(person)[contact] == ({"name": name, "subscription": "none"}, groups)
    assert contact not in items(stage.roamer)
    absent = roster_item(stage.roamer, f"<item jid='nobody@{stage.home}' subscription='remove'/>")
    if stage.product == "prosody":
        assert error_of(absent) == "item-not-found"
    else:
        result_of(absent)  # not as RFC 6121 2.5.3 has it, and passed on as it is


def large_roster(stage):
    """ROS-01: many contacts are the same for the roamer as for the client at home."""
    for number in range(CONTACTS):
        stage.twin.request("set", f"<query xmlns='{ROSTER}'><item jid='contact{number}@{stage.home}' name='Contact {number}'>"
                           f"<group>Group {number % 7}</group></item></query>", None)
    for number in range(CONTACTS):
        pushed(stage.roamer, f"contact{number}@{stage.home}")
    assert items(stage.roamer) == items(stage.twin)
    assert len(items(stage.roamer)) >= CONTACTS
    for number in range(CONTACTS):
        stage.twin.request("set", f"<query xmlns='{ROSTER}'><item jid='contact{number}@{stage.home}' subscription='remove'/></query>", None)
    for number in range(CONTACTS):
        assert pushed(stage.roamer, f"contact{number}@{stage.home}")[0]["subscription"] == "remove"


def own_presence(stage):
    """PRE-02, PRE-04, PRE-11, ROS-04: initial presence, an update and the end reach the account's other client, as they were sent."""
    roamer, twin = stage.roamer, stage.twin
    twin.presence()
    twin.expect_presence(sender=twin.jid, type=None)
    roamer.presence()
    roamer.expect_presence(sender=roamer.jid, type=None)
    roamer.expect_presence(sender=twin.jid, type=None)
    twin.expect_presence(sender=roamer.jid, type=None)
    roamer.presence(inside="<show>xa</show><status>in exile</status><status xml:lang='it'>in esilio</status><priority>-5</priority>")
    told = twin.expect_presence(sender=roamer.jid, type=None)
    assert told.findtext(c("show")) == "xa" and told.findtext(c("priority")) == "-5"
    assert {(status.get(XML_LANG), status.text) for status in told.findall(c("status"))} >= {("it", "in esilio")}
    roamer.presence(kind="unavailable", inside="<status>gone home</status>")
    told = twin.expect_presence(sender=roamer.jid, type="unavailable")
    assert told.findtext(c("status")) == (None if stage.judged else "gone home")
    roamer.presence()
    twin.expect_presence(sender=roamer.jid, type=None)


def available(*people):
    for person in people:
        person.presence()
        person.expect_presence(sender=person.jid, type=None)


def subscriptions(stage):
    """SUB-02, SUB-04, SUB-08, SUB-09, SUB-11, PRE-01, PRE-03: from the request to both, and back to none by a cancellation."""
    roamer, friend, account = stage.roamer, stage.friend, stage.account
    available(roamer, friend)
    roamer.presence(friend.bare, "subscribe")
    attributes, _ = pushed(roamer, friend.bare)
    assert attributes["subscription"] == "none" and attributes["ask"] == "subscribe"
    asked = friend.expect_presence(sender=account, type="subscribe")
    assert asked.get("from") == account, "the request is to come from the bare address"
    friend.presence(account, "subscribed")
    roamer.expect_presence(sender=friend.bare, type="subscribed")
    attributes, _ = pushed(roamer, friend.bare)
    while "ask" in attributes:  # a server may push the pending state more than once
        attributes, _ = pushed(roamer, friend.bare)
    assert attributes["subscription"] == "to"
    roamer.expect_presence(sender=friend.jid, type=None)
    friend.presence(account, "subscribe")
    roamer.expect_presence(sender=friend.bare, type="subscribe")
    roamer.presence(friend.bare, "subscribed")
    friend.expect_presence(sender=account, type="subscribed")
    friend.expect_presence(sender=roamer.jid, type=None)
    while pushed(roamer, friend.bare)[0]["subscription"] != "both":
        pass
    roamer.presence(inside="<show>dnd</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:n' ver='dmVyc2lvbg=='/>")
    told = friend.expect(lambda p: p.tag == c("presence") and p.get("from") == roamer.jid and p.findtext(c("show")) == "dnd", "dnd")
    assert told.find("{http://jabber.org/protocol/caps}c").get("ver") == "dmVyc2lvbg=="
    friend.presence(account, "unsubscribed")
    roamer.expect_presence(sender=friend.bare, type="unsubscribed")
    roamer.expect_presence(sender=friend.jid, type="unavailable")
    while pushed(roamer, friend.bare)[0]["subscription"] != "from":
        pass
    result_of(roster_item(roamer, f"<item jid='{friend.bare}' subscription='remove'/>"))
    assert pushed(roamer, friend.bare)[0]["subscription"] == "remove"
    friend.expect_presence(sender=account, type="unsubscribed")


def a_request_is_denied(stage):
    """SUB-08: denial reaches the one who asked, and leaves nothing pending."""
    roamer, friend = stage.roamer, stage.friend
    available(roamer, friend)
    roamer.presence(friend.bare, "subscribe")
    friend.expect_presence(sender=stage.account, type="subscribe")
    friend.presence(stage.account, "unsubscribed")
    roamer.expect_presence(sender=friend.bare, type="unsubscribed")
    while "ask" in pushed(roamer, friend.bare)[0]:
        pass
    result_of(roster_item(roamer, f"<item jid='{friend.bare}' subscription='remove'/>"))


def chat(stage):
    """MSG-02, MSG-04, MSG-05: to the bare address first, then locked on the full one that replied; nothing in the text changes."""
    roamer, friend = stage.roamer, stage.friend
    available(roamer, friend)
    sent = friend.message(stage.account, "<body>Who goes there?</body><thread parent='act-one'>act-two</thread>")
    heard = roamer.expect_message(sender=friend.jid, id=sent)
    assert heard.findtext(c("thread")) == "act-two" and heard.find(c("thread")).get("parent") == "act-one"
    roamer.message(heard.get("from"), f"<subject>Balcony</subject><body>{escaped(UNICODE)}</body><body xml:lang='it'>Stasera</body>")
    answer = friend.expect_message(sender=roamer.jid, type="chat", body=UNICODE)
    assert answer.get("to") == friend.jid and answer.findtext(c("subject")) == "Balcony"
    assert {(body.get(XML_LANG), body.text) for body in answer.findall(c("body"))} >= {("it", "Stasera")}
    friend.message(answer.get("from"), "<body>locked</body>")
    roamer.expect_message(sender=friend.jid, body="locked")
    for speaker, listener in ((roamer, friend), (friend, roamer)):
        speaker.message(listener.jid, "<body>]]&gt; &amp;#38; &lt;b/&gt; \u05e9\u05dc\u05d5\u05dd \U0001f339</body>")
        listener.expect_message(sender=speaker.jid, body="]]> &#38; <b/> \u05e9\u05dc\u05d5\u05dd \U0001f339")


def types_of_messages(stage):
    """MSG-01: each type arrives as it is."""
    roamer, friend = stage.roamer, stage.friend
    available(roamer, friend)
    for kind in (None, "normal", "chat", "headline"):
        for speaker, listener in ((roamer, friend), (friend, roamer)):
            sent = speaker.message(listener.jid, f"<body>{kind}</body>", kind=kind)
            heard = listener.expect_message(id=sent)
            assert (heard.get("type") or "normal") == (kind or "normal"), shown(heard)
    sent = roamer.message(friend.jid, f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>", kind="error")
    if stage.judged:
        friend.nothing(lambda element: element.get("id") == sent, "an error that answers nothing",
                       lambda: roamer.message(friend.jid, "<body>after it</body>") and friend.expect_message(body="after it"))
    else:
        assert friend.expect_message(id=sent).get("type") == "error"


def large_body(stage):
    """MSG-02: 60 KB arrive whole, both ways."""
    available(stage.roamer, stage.friend)
    text = ("All the world's a stage. " * (FULL_SIZE // 25 + 1))[:FULL_SIZE]
    for speaker, listener in ((stage.roamer, stage.friend), (stage.friend, stage.roamer)):
        sent = speaker.message(listener.jid, f"<body>{text}</body>")
        assert listener.expect_message(id=sent).findtext(c("body")) == text


def many_in_order(stage):
    available(stage.roamer, stage.friend)
    for speaker, listener in ((stage.roamer, stage.friend), (stage.friend, stage.roamer)):
        for number in range(100):
            speaker.message(listener.jid, f"<body>{number}</body>", id=f"order{number}")
        for number in range(100):
            assert listener.expect_message(30, sender=speaker.jid).findtext(c("body")) == str(number)


def room(stage):
    """A room of the far enclave: who is there, what is said, what was said before."""
    roamer, friend = stage.roamer, stage.friend
    there = f"verona-{friend.name}-{friend.next_id()}@rooms.{stage.home}"
    friend.presence(f"{there}/two", inside=f"<x xmlns='{MUC}'/>")
    friend.expect_presence(sender=f"{there}/two", type=None)
    result_of(friend.ask("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", there))
    friend.message(there, "<body>Before you came</body>", kind="groupchat")
    friend.expect_message(sender=f"{there}/two", body="Before you came")
    roamer.presence(f"{there}/one", inside=f"<x xmlns='{MUC}'/>")
    roamer.expect_presence(sender=f"{there}/two", type=None)
    itself = roamer.expect_presence(sender=f"{there}/one", type=None)
    assert "110" in {status.get("code") for status in itself.iter(f"{{{MUC}#user}}status")}
    told = roamer.expect_message(sender=f"{there}/two", type="groupchat", body="Before you came")
    assert told.find("{urn:xmpp:delay}delay") is not None
    for speaker, nick, text in ((roamer, "one", "A plague on both your houses"), (friend, "two", "Peace")):
        speaker.message(there, f"<body>{text}</body>", kind="groupchat")
        for person in (roamer, friend):
            person.expect_message(sender=f"{there}/{nick}", type="groupchat", body=text)
    roamer.message(f"{there}/two", "<body>Between us</body>")
    friend.expect_message(sender=f"{there}/one", type="chat", body="Between us")
    roamer.presence(f"{there}/one", "unavailable")
    roamer.expect_presence(sender=f"{there}/one", type="unavailable")
    friend.presence(f"{there}/two", "unavailable")


def vcard(stage):
    """ROS-11: the own vCard is stored and read again, and others read it."""
    card = "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN><NICKNAME>Jule &amp; Co</NICKNAME></vCard>"
    result_of(stage.roamer.ask("set", card))
    for person, to in ((stage.roamer, None), (stage.twin, None), (stage.friend, stage.account)):
        got = result_of(person.ask("get", "<vCard xmlns='vcard-temp'/>", to))
        assert got.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Juliet Capulet", shown(got)
        assert got.findtext("{vcard-temp}vCard/{vcard-temp}NICKNAME") == "Jule & Co"
    result_of(stage.friend.ask("set", "<vCard xmlns='vcard-temp'><FN>Angelica</FN></vCard>"))
    got = result_of(stage.roamer.ask("get", "<vCard xmlns='vcard-temp'/>", stage.friend.bare))
    assert got.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Angelica"


def private_storage(stage):
    """ROS-11: what an account stores for itself."""
    notes = "storage:rosternotes"
    result_of(stage.roamer.ask("set", f"<query xmlns='jabber:iq:private'><storage xmlns='{notes}'>"
                                      f"<note jid='{stage.friend.bare}'>under the balcony</note></storage></query>"))
    got = result_of(stage.twin.ask("get", f"<query xmlns='jabber:iq:private'><storage xmlns='{notes}'/></query>"))
    assert got.findtext(f"{{jabber:iq:private}}query/{{{notes}}}storage/{{{notes}}}note") == "under the balcony"


def archive(stage):
    """XEP-0313: what was said is found again, in order, each with the stanza that it was."""
    roamer, friend = stage.roamer, stage.friend
    available(roamer, friend)
    texts = [f"archived {number} \u2665" for number in range(5)]
    for text in texts:
        friend.message(roamer.jid, f"<body>{text}</body>")
        roamer.expect_message(sender=friend.jid, body=text)
    asked = roamer.request("set", f"<query xmlns='{MAM}' queryid='q1'><x xmlns='jabber:x:data' type='submit'>"
                           f"<field var='FORM_TYPE' type='hidden'><value>{MAM}</value></field>"
                           f"<field var='with'><value>{friend.bare}</value></field></x>"
                           "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query>", None)
    fin = result_of(roamer.answer_to(asked, 30))
    assert fin.find(f"{{{MAM}}}fin") is not None
    found = []
    while True:
        try:
            result = roamer.expect(lambda m: m.tag == c("message") and m.find(f"{{{MAM}}}result[@queryid='q1']") is not None, "a result", 0)
        except Silence:
            break
        forwarded = result.find(f"{{{MAM}}}result/{FORWARD}")
        assert forwarded.find("{urn:xmpp:delay}delay") is not None
        found.append(forwarded.findtext(f"{c('message')}/{c('body')}"))
    assert found == texts


def carbons(stage):
    """XEP-0280: what the account's other client says and hears comes as a copy."""
    roamer, friend, twin = stage.roamer, stage.friend, stage.twin
    available(roamer, friend, twin)
    result_of(roamer.ask("set", f"<enable xmlns='{CARBONS}'/>"))

    def copy(kind, body):
        got = roamer.expect(lambda m: m.tag == c("message") and m.find(f"{{{CARBONS}}}{kind}") is not None, f"a {kind} copy")
        assert got.get("from") == stage.account
        inside = got.find(f"{{{CARBONS}}}{kind}/{FORWARD}/{c('message')}")
        assert inside.findtext(c("body")) == body, shown(got)
        return inside
    twin.message(friend.jid, "<body>said at home</body>")
    friend.expect_message(sender=twin.jid, body="said at home")
    assert copy("sent", "said at home").get("to") == friend.jid
    friend.message(twin.jid, "<body>heard at home</body>")
    twin.expect_message(sender=friend.jid, body="heard at home")
    assert copy("received", "heard at home").get("from") == friend.jid
    result_of(roamer.ask("set", f"<disable xmlns='{CARBONS}'/>"))


def upload_discovery(stage):
    """XEP-0363: the service is found among the server's items, says what it is and gives a slot."""
    found = result_of(stage.roamer.ask("get", f"<query xmlns='{DISCO_ITEMS}'/>", stage.home))
    services = {item.get("jid") for item in found.iter(f"{{{DISCO_ITEMS}}}item")}
    service = f"upload.{stage.home}"
    assert service in services, services
    told = result_of(stage.roamer.ask("get", f"<query xmlns='{DISCO_INFO}'/>", service))
    assert UPLOAD in {feature.get("var") for feature in told.iter(f"{{{DISCO_INFO}}}feature")}
    slot = result_of(stage.roamer.ask("get", f"<request xmlns='{UPLOAD}' filename='rose.txt' size='1024'/>", service))
    assert slot.find(f"{{{UPLOAD}}}slot/{{{UPLOAD}}}put").get("url").startswith("https://upload.")


def discovery(stage):
    """The server and the own account say what they can do."""
    for to, wanted in ((stage.home, "urn:xmpp:ping"), (stage.account, MAM)):
        told = result_of(stage.roamer.ask("get", f"<query xmlns='{DISCO_INFO}'/>", to))
        assert wanted in {feature.get("var") for feature in told.iter(f"{{{DISCO_INFO}}}feature")}, shown(told)


def ping(stage):
    """SM-05: to the server, and to the friend's client, which answers."""
    for to in (None, stage.home):
        result_of(stage.roamer.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to))
    asked = stage.roamer.request("get", "<ping xmlns='urn:xmpp:ping'/>", stage.friend.jid)
    question = stage.friend.expect_request(sender=stage.roamer.jid, type="get")
    stage.friend.reply(question)
    assert result_of(stage.roamer.answer_to(asked)).get("from") == stage.friend.jid


def blocking(stage):
    """XEP-0191: a blocked contact is not heard, an unblocked one is."""
    roamer, friend = stage.roamer, stage.friend
    available(roamer, friend)
    block = f"<item jid={quoteattr(friend.bare)}/>"
    result_of(roamer.ask("set", f"<block xmlns='{BLOCKING}'>{block}</block>"))
    listed = result_of(roamer.ask("get", f"<blocklist xmlns='{BLOCKING}'/>"))
    assert [item.get("jid") for item in listed.iter(f"{{{BLOCKING}}}item")] == [friend.bare]
    friend.message(roamer.jid, "<body>unheard</body>")
    friend.ask("get", "<ping xmlns='urn:xmpp:ping'/>", stage.home)
    result_of(roamer.ask("set", f"<unblock xmlns='{BLOCKING}'>{block}</unblock>"))
    friend.message(roamer.jid, "<body>heard</body>")
    roamer.expect_message(sender=friend.jid, body="heard")
    assert not [m for m in roamer.inbox if m.findtext(c("body")) == "unheard"]


def personal_events(stage):
    """PEP: an item that is published is there for the account's other client."""
    pubsub = "http://jabber.org/protocol/pubsub"
    result_of(stage.roamer.ask("set", f"<pubsub xmlns='{pubsub}'><publish node='http://jabber.org/protocol/nick'><item id='current'>"
                               "<nick xmlns='http://jabber.org/protocol/nick'>Jule</nick></item></publish></pubsub>"))
    got = result_of(stage.twin.ask("get", f"<pubsub xmlns='{pubsub}'><items node='http://jabber.org/protocol/nick'/></pubsub>"))
    assert "Jule" in [nick.text for nick in got.iter("{http://jabber.org/protocol/nick}nick")]


def errors(stage):
    """Errors of servers and of the other client arrive with their condition."""
    assert error_of(stage.roamer.ask("get", "<query xmlns='urn:example:unknown'/>", stage.home)) == "service-unavailable"
    asked = stage.roamer.request("get", "<query xmlns='jabber:iq:version'/>", stage.friend.jid)
    question = stage.friend.expect_request(sender=stage.roamer.jid, type="get")
    stage.friend.reply(question, f"<error type='modify'><not-acceptable xmlns='{STANZAS}'/></error>", kind="error")
    assert error_of(stage.roamer.answer_to(asked)) == ("service-unavailable" if stage.judged else "not-acceptable")


PLAYS = [roster, own_presence, subscriptions, a_request_is_denied, chat, types_of_messages, large_body, many_in_order, room, vcard,
         private_storage, archive, carbons, upload_discovery, discovery, ping, blocking, personal_events, errors, large_roster]
