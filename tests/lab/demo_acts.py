"""The acts of the demonstration: what two real clients, one on a journey, and two forgers do."""

import xml.etree.ElementTree as ElementTree

from lab.conversation import STANZAS, Silence
from lab.demo_report import PLAIN, RED, of_kind
from lab.enclaves import C2S_PORT, NORTH, SOUTH
from lab.guard import command
from lab.laboratory import ACCOUNTS, Account
from lab.person import Person
from lab.xmpp_client import Way


async def people(demo):
    """The part of the two real clients."""
    laboratory = demo.laboratory
    romeo, juliet = [
        Person(f"{name}@{enclave.domain}", ACCOUNTS[enclave][name], enclave.server(), laboratory.authorities[enclave].file, place)
        for enclave, name, place in ((NORTH, "romeo", "orchard"), (SOUTH, "juliet", "balcony"))]
    demo.step("Two people log in, each to the server of their own enclave")
    for person in (romeo, juliet):
        await person.enter()
        demo.say("logged in", str(person.boundjid))
    await presence(demo, romeo, juliet)
    await chat(demo, romeo, juliet)
    await request(demo, romeo, juliet)
    await room(demo, romeo, juliet)
    await forbidden(demo, romeo)
    await unknown_room(demo, juliet)
    await codename(demo, romeo)
    await withdrawn(demo, romeo, juliet)
    await labels(demo, romeo, juliet)
    await roaming(demo, juliet)
    await romeo.leave()
    await juliet.leave()


async def presence(demo, romeo, juliet):
    demo.step("Presence: Romeo asks to see Juliet's, she agrees")
    since = demo.mark()
    romeo.send_presence(pto=juliet.boundjid.bare, ptype="subscribe")
    demo.sent("<presence type='subscribe'/> from romeo@north.test to juliet@south.test")
    asked = await juliet.hear(lambda p: p.name == "presence" and p["type"] == "subscribe", "the request")
    demo.arrived(f"subscribe, from {asked['from']}")
    demo.verdict(since, of_kind("presence", "romeo@north.test", type="subscribe"), "subscribe")
    since = demo.mark()
    juliet.send_presence(pto=romeo.boundjid.bare, ptype="subscribed")
    demo.sent("<presence type='subscribed'/> from juliet@south.test to romeo@north.test")
    await romeo.hear(lambda p: p.name == "presence" and p["type"] == "subscribed", "the approval")
    seen = await romeo.hear(lambda p: p.name == "presence" and p["from"] == juliet.boundjid.full, "her presence")
    demo.arrived(f"subscribed, then her presence, from {seen['from']}")
    demo.verdict(since, of_kind("presence", "juliet@south.test", type="subscribed"), "subscribed")


async def chat(demo, romeo, juliet):
    demo.step("Chat, both ways")
    for speaker, listener, text in ((romeo, juliet, "But soft, what light through yonder window breaks?"),
                                    (juliet, romeo, "Wherefore art thou Romeo? \u2665")):
        since = demo.mark()
        speaker.send_message(mto=listener.boundjid.full, mbody=text, mtype="chat")
        demo.sent(f"\u201c{text}\u201d from {speaker.boundjid.bare}")
        heard = await listener.hear(lambda m: m.name == "message" and m["body"] == text, "the message")
        demo.arrived(f"\u201c{heard['body']}\u201d at {listener.boundjid.bare}")
        demo.verdict(since, of_kind("message", speaker.boundjid.bare), "the message")


async def request(demo, romeo, juliet):
    demo.step("A request and its answer: which program does Juliet use?")
    since = demo.mark()
    demo.sent(f"<iq type='get'><query xmlns='jabber:iq:version'/></iq> to {juliet.boundjid.full}")
    answer = await romeo["xep_0092"].get_version(juliet.boundjid, timeout=20)
    version = answer["software_version"]
    demo.arrived(f"result: {version['name'] or 'a client'} {version['version']}")
    demo.verdict(since, of_kind("iq", "romeo@north.test", type="get"), "the request")
    demo.verdict(since, of_kind("iq", "juliet@south.test", type="result"), "the answer")


async def room(demo, romeo, juliet):
    demo.step("A room: Juliet opens one in the south, Romeo comes in from the north")
    there = f"verona@{SOUTH.rooms}"
    since = demo.mark()
    await juliet["xep_0045"].join_muc_wait(there, "Juliet", timeout=20)
    await romeo["xep_0045"].join_muc_wait(there, "Romeo", timeout=20)
    demo.say("joined", f"{there} as Juliet and as Romeo")
    text = "Good night, good night! Parting is such sweet sorrow."
    romeo.send_message(mto=there, mbody=text, mtype="groupchat")
    demo.sent(f"\u201c{text}\u201d to the room")
    for person in (juliet, romeo):
        await person.hear(lambda m: m.name == "message" and m["type"] == "groupchat" and m["body"] == text, "it in the room")
        demo.arrived(f"at {person.boundjid.bare}")
    demo.verdict(since, of_kind("message", "romeo@north.test", type="groupchat"), "the message to the room")


async def forbidden(demo, romeo):
    demo.step("Forbidden: the policy grants the rooms of the south presence and messages, but no requests")
    since = demo.mark()
    demo.sent(f"<iq type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq> to {SOUTH.rooms}")
    try:
        await romeo["xep_0030"].get_items(SOUTH.rooms, timeout=20)
        raise AssertionError("the request was answered")
    except slixmpp_error() as error:
        demo.say("answer", f"{RED}error: {error.iq['error']['condition']}{PLAIN} (the guard's, in the room service's name)")
    demo.verdict(since, of_kind("iq", "romeo@north.test", ("bounce",), to=SOUTH.rooms), "the refusal")


async def unknown_room(demo, juliet):
    demo.step("Forbidden: no rule of the policy says that the south may speak to the rooms of the north")
    since = demo.mark()
    juliet.send_message(mto=f"mantua@{NORTH.rooms}", mbody="Is anybody there?", mtype="chat")
    demo.sent(f"\u201cIs anybody there?\u201d from juliet@south.test to mantua@{NORTH.rooms}")
    refused = await juliet.hear(lambda m: m.name == "message" and m["type"] == "error", "the error", 60)
    demo.say("answer", f"{RED}error: {refused['error']['condition']}{PLAIN} (her own server's: it got no stream)")
    demo.verdict(since, lambda record: record.get("code") == "leg.not-granted" or record.get("reason") == "addressing.not-granted",
                 "the refusal")


async def codename(demo, romeo):
    demo.step("Forbidden: a word that the policy keeps on this side")
    since = demo.mark()
    romeo.send_message(mto="juliet@south.test", mbody="Falcon lands at dawn.", mtype="chat")
    demo.sent("\u201cFalcon lands at dawn.\u201d from romeo@north.test")
    refused = await romeo.hear(lambda m: m.name == "message" and m["type"] == "error", "the error")
    demo.say("answer", f"{RED}error: {condition_of(refused)}{PLAIN}")
    demo.verdict(since, of_kind("message", "romeo@north.test", ("bounce",)), "the refusal")


async def withdrawn(demo, romeo, juliet):
    demo.step("Withdrawn: Juliet takes her presence back; Romeo is told once that she is gone, and nothing after it")
    since = demo.mark()
    juliet.send_presence(pto=romeo.boundjid.bare, ptype="unsubscribed")
    demo.sent("<presence type='unsubscribed'/> from juliet@south.test to romeo@north.test")
    await romeo.hear(lambda p: p.name == "presence" and p["type"] == "unavailable" and p["from"] == juliet.boundjid.full,
                     "that she is gone")
    demo.arrived(f"unavailable, from {juliet.boundjid.full}")
    demo.verdict(since, of_kind("presence", "juliet@south.test", type="unavailable"), "unavailable")
    since = demo.mark()
    juliet.send_presence(pto=romeo.boundjid.bare, pshow="away")
    demo.sent("<presence/> all the same, from juliet@south.test to romeo@north.test, and then a message")
    juliet.send_message(mto=romeo.boundjid.bare, mbody="Parting is such sweet sorrow.", mtype="chat")
    await romeo.hear(lambda m: m.name == "message" and m["body"] == "Parting is such sweet sorrow.", "the message")
    demo.arrived("only the message")
    demo.verdict(since, of_kind("presence", "juliet@south.test", ("drop",)), "the refusal")


# What clients of XEP-0258 write: a label as octets (ESS), for machines, and a marking, for people.
LABELS = {"ACME SECRET REL TO UK, FRANCE": "MTACAQQGBYg3ggIBMSQwIoAKYIZIAWUCAQgDAaEUMBIGBog3ggIBAjEIAgIA+gICAzo=",
          "ACME STRATEGIC HANDLE AS EYES-A": "MSsCAQUGBYg3ggIBMR8wHYAKYIZIAWUCAQgDBKEPMA0GBog3ggIBAzEDAgFk"}
SEC_LABEL = "urn:xmpp:sec-label:0"


def say_labelled(demo, speaker, to, text, marking):
    message = speaker.make_message(mto=to, mbody=text, mtype="chat")
    message.append(ElementTree.fromstring(
        f"<securitylabel xmlns='{SEC_LABEL}'><displaymarking fgcolor='white' bgcolor='red'>{marking}</displaymarking>"
        f"<label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>{LABELS[marking]}</esssecuritylabel></label></securitylabel>"))
    message.send()
    demo.sent(f"\u201c{text}\u201d from {speaker.boundjid.bare}, labelled {marking}")


async def labels(demo, romeo, juliet):
    guard = demo.laboratory.guard
    secret, strategic = LABELS
    demo.step("Labels: a message whose label the policy lets cross")
    await labelled(demo, romeo, juliet, "The convoy leaves at dawn.", secret)
    demo.step("Labels: a message whose label is above what the boundary is cleared for")
    since = demo.mark()
    say_labelled(demo, romeo, juliet.boundjid.full, "The fleet sails.", strategic)
    refused = await romeo.hear(lambda m: m.name == "message" and m["type"] == "error", "the error")
    demo.say("answer", f"{RED}error: {condition_of(refused)}{PLAIN} (it does not say why; the record does)")
    demo.verdict(since, of_kind("message", romeo.boundjid.bare, ("bounce",), reason="label.classification"), "the refusal")
    demo.step("Labels: the south gets a security policy of its own (sallyport policy compile, sallyport reload); labels are translated")
    south = 'policy = "acme"\nlabel = "internal"\n# policy = "nordia"\n# label = "limited"\n'
    text = guard.policy_file.read_text()
    assert text.count(south) == 1, "the policy of the demonstration has changed"
    guard.policy_file.write_text(text.replace(south, 'policy = "nordia"\nlabel = "limited"\n'))
    since = demo.mark()
    command("policy", "compile", guard.policy_file, "-o", guard.bundle)
    command("reload", "-c", guard.configuration)
    guard.record_where(lambda record: record.get("code") == "policy.loaded", "the new policy", 20, since)
    await labelled(demo, romeo, juliet, "The convoy has left.", secret)


async def labelled(demo, speaker, listener, text, marking):
    since = demo.mark()
    say_labelled(demo, speaker, listener.boundjid.full, text, marking)
    heard = await listener.hear(lambda m: m.name == "message" and m["body"] == text, "the message")
    shown = heard.xml.find(f"{{{SEC_LABEL}}}securitylabel/{{{SEC_LABEL}}}displaymarking")
    demo.arrived(f"\u201c{heard['body']}\u201d at {listener.boundjid.bare}, labelled {shown.text}")
    demo.verdict(since, of_kind("message", speaker.boundjid.bare), "the message")


async def roaming(demo, juliet):
    demo.step("A client of the north logs in to the south's server: the nurse is on a journey")
    laboratory = demo.laboratory
    since = demo.mark()
    nurse = Person("nurse@south.test", ACCOUNTS[SOUTH]["nurse"], NORTH.guard(), laboratory.authorities[NORTH].file, "abroad")
    demo.say("connects", f"to {NORTH.guard()} port {C2S_PORT}, where north's DNS says that south.test is")
    await nurse.enter()
    demo.event(since, "session.offered", "client")
    demo.event(since, "session.login", "mechanism", "account")
    demo.event(since, "session.bound", "jid")
    demo.say("logged in", f"{nurse.boundjid}, with a roster of {len(nurse.client_roster)} contacts from her own server")
    for speaker, listener, text in ((nurse, juliet, "Madam! Your mother craves a word with you."), (juliet, nurse, "Good nurse, what news?")):
        since = demo.mark()
        speaker.send_message(mto=listener.boundjid.full, mbody=text, mtype="chat")
        demo.sent(f"\u201c{text}\u201d from {speaker.boundjid}")
        await listener.hear(lambda m: m.name == "message" and m["body"] == text, "the message")
        demo.arrived(f"at {listener.boundjid}")
        demo.verdict(since, of_kind("message", speaker.boundjid.bare), "the message")
    since = demo.mark()
    nurse.send_message(mto=juliet.boundjid.bare, mbody="The falcon flies.", mtype="chat")
    demo.sent(f"\u201cThe falcon flies.\u201d from {nurse.boundjid}, with a word that does not cross")
    refused = await nurse.hear(lambda m: m.name == "message" and m["type"] == "error", "the error")
    demo.say("answer", f"{RED}error: {condition_of(refused)}{PLAIN}")
    demo.verdict(since, of_kind("message", nurse.boundjid.bare, ("bounce",), reason="content.refused"), "the refusal")
    await nurse.leave()
    demo.step("Forged: a client that has logged in as the nurse speaks as Juliet")
    since = demo.mark()
    account = Account("nurse", ACCOUNTS[SOUTH]["nurse"], SOUTH)
    client = laboratory.client(NORTH, account, "abroad", Way("SCRAM-SHA-256"))
    stanza = "<message from='juliet@south.test' to='romeo@north.test' type='chat'><body>It is over.</body></message>"
    client.send(stanza)
    demo.sent(stanza)
    demo.say("answer", f"{RED}stream error: {client.ending()}{PLAIN}")
    demo.verdict(since, lambda each: each.get("verdict") == "sever", "the refusal")


def condition_of(stanza):
    """The stanza error's condition; slixmpp itself does not know all that RFC 6120 names."""
    return next(child.tag.partition("}")[2] for child in stanza["error"].xml if child.tag.startswith("{" + STANZAS + "}"))


def slixmpp_error():
    from slixmpp.exceptions import IqError
    return IqError


def forged(demo):
    demo.step("Forged: a server of the north, with a good certificate, speaks as somebody of the south")
    since = demo.mark()
    peer = demo.laboratory.dialler(NORTH).establish()
    stanza = "<message from='nurse@south.test' to='juliet@south.test' type='chat'><body>Flee at once!</body></message>"
    peer.send(stanza)
    demo.sent(stanza)
    demo.say("answer", f"{RED}stream error: {peer.ending()}{PLAIN}")
    demo.verdict(since, lambda record: record.get("verdict") == "sever", "the refusal")

    demo.step("Forged: a server whose certificate is from somebody else's authority calls itself north.test")
    since = demo.mark()
    stranger = demo.laboratory.authorities[SOUTH].issue("stranger", ["north.test"])
    peer = demo.laboratory.dialler(NORTH, certificate=stranger)
    demo.sent("STARTTLS and a stream header in the name of north.test")
    try:
        peer.secure()
    except Silence:
        pass  # instead of features comes an error
    demo.say("answer", f"{RED}stream error: {peer.ending()}{PLAIN}")
    demo.verdict(since, lambda record: record.get("code") == "leg.not-authorized", "the refusal")
