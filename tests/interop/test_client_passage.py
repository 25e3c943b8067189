"""What passes between a client and its server is what the other said, where the policy looks at nothing but shape and addresses: shown
with a hand-made server, which says what few servers do."""

import itertools
import xml.etree.ElementTree as ElementTree

import pytest

from client_plays import error_of, result_of
from lab.c2s_server import RIGHT
from lab.conversation import c
from lab.enclaves import NORTH, SOUTH
from lab.guard import POLICIES
from lab.laboratory import Account, Laboratory
from lab.xmpp_client import BIND

JULIET = Account("juliet", RIGHT, SOUTH)
JID = "juliet@south.test/balcony"
ROSTER = "jabber:iq:roster"
SM = "urn:xmpp:sm:3"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory("hand", "hand", policy=POLICIES / "stages-off.toml") as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


@pytest.fixture
def server(laboratory):
    return laboratory.client_servers[SOUTH]


def logged_in(laboratory):
    stream = laboratory.client_stream(NORTH, SOUTH)
    stream.secure()
    stream.authenticate("PLAIN", JULIET.name, JULIET.password)
    stream.open()
    return stream


@pytest.fixture
def client(laboratory):
    stream = logged_in(laboratory)
    stream.bind("balcony")
    yield stream
    stream.close()


def tree(element):
    """What an element says, whichever way it was written."""
    return (element.tag, element.attrib, (element.text or "").strip(), [tree(child) for child in element])


def same(text, element):
    return tree(ElementTree.fromstring(f"<s xmlns='jabber:client'>{text}</s>")[0]) == tree(element)


def test_STR_10_one_connection_carries_both_streams_of_a_leg(laboratory, server):
    before = server.connections()
    stream = logged_in(laboratory)
    stream.bind("balcony")
    result_of(stream.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))
    assert server.connections() == before + 1
    stream.close()


@pytest.mark.parametrize("condition", ["resource-constraint", "not-allowed", "bad-request", "conflict"])
def test_BIND_06_the_servers_refusal_of_a_resource(laboratory, server, condition):
    stream = logged_in(laboratory)
    server.refusals.append(condition)
    assert error_of(stream.ask("set", f"<bind xmlns='{BIND}'><resource>balcony</resource></bind>")) == condition
    assert stream.bind() == "juliet@south.test/made"
    stream.close()


@pytest.mark.parametrize("condition", ["item-not-found", "not-acceptable", "forbidden"])
def test_ROS_05_the_servers_refusal_of_a_roster_request(client, server, condition):
    server.refusals.append(condition)
    assert error_of(client.ask("set", f"<query xmlns='{ROSTER}'><item jid='romeo@north.test'/></query>")) == condition


@pytest.mark.parametrize("item", [
    "<item jid='a@b.test' subscription='none'/>",
    "<item jid='a@b.test' subscription='to' name='Ann &lt;3'/>",
    "<item jid='a@b.test' subscription='from' approved='true'/>",
    "<item jid='a@b.test' subscription='both'><group>One</group><group>Two</group><group>Three &amp; more</group></item>",
    "<item jid='a@b.test' subscription='remove'/>",
    "<item jid='a@b.test' subscription='none' ask='subscribe'/>",
    "<item jid='a@b.test' subscription='bogus' ask='bogus' later='unknown'/>",
], ids=["none", "to", "from", "both", "remove", "pending", "out-of-place"])
def test_ROS_02_ROS_03_STZ_11_a_push_arrives_as_it_is_and_is_answered_once(client, server, item):
    """Without a from too, which a client reads as its own account."""
    heard_before = server.count()
    push = f"<iq type='set' id='push{next(numbers)}' to='{JID}'><query xmlns='{ROSTER}' ver='v1'>{item}</query></iq>"
    server.say(push)
    pushed = client.expect_request(type="set")
    assert same(push, pushed), ElementTree.tostring(pushed)
    client.reply(pushed)
    result_of(client.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))
    answers = [element for _, element in server.heard[heard_before:] if element.get("id") == pushed.get("id")]
    assert [answer.get("type") for answer in answers] == ["result"]


def test_ROS_01_D_09_D_10_a_roster_of_thousands_arrives_whole(client, server):
    """An answer of the own server may be larger than other stanzas."""
    contacts = "".join(f"<item jid='contact{number}@south.test' name='Number {number}'/>" for number in range(5000))
    asked = next(numbers)
    answer = f"<iq type='result' id='large{asked}' to='{JID}'><query xmlns='{ROSTER}'>{contacts}</query></iq>"
    server.say(answer)
    heard = client.expect(lambda element: element.get("id") == f"large{asked}", "the roster", 30)
    heard.attrib.pop("{http://www.w3.org/XML/1998/namespace}lang", None)
    assert same(answer, heard)
    result_of(client.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))


@pytest.mark.parametrize("stanza", [
    "<message id='x'><body>from the server itself</body></message>",
    "<message id='x' from='south.test' to='juliet@south.test'><body>from its domain</body></message>",
    f"<message id='x' from='romeo@north.test/orchard' to='{JID}' type='chat'><body>in full</body></message>",
    f"<presence id='x' from='romeo@north.test/orchard' to='{JID}'><show>xa</show><status>asleep</status><priority>-1</priority>"
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:n' ver='dmVy'/></presence>",
    "<presence id='x' from='nurse@south.test' to='juliet@south.test' type='subscribe'/>",
    f"<presence id='x' from='{JID}' to='{JID}'/>",
], ids=["without-addresses", "from-the-domain", "to-the-full-address", "presence-with-more", "a-request", "the-own-presence"])
def test_STZ_05_STZ_10_PRE_04_what_the_server_says_arrives_as_it_is(client, server, stanza):
    server.say(stanza)
    heard = client.expect(lambda element: element.get("id") == "x", "it")
    heard.attrib.pop("{http://www.w3.org/XML/1998/namespace}lang", None)  # of the server's stream
    assert same(stanza, heard), ElementTree.tostring(heard)


@pytest.mark.parametrize("recipient", ["nurse@south.test/x", "nurse@south.test", "juliet@south.test/elsewhere"])
def test_STZ_05_what_is_for_somebody_else_does_not_reach_the_client(laboratory, client, server, recipient):
    since = len(laboratory.guard.records())
    server.say(f"<message id='astray' from='romeo@north.test/orchard' to='{recipient}'><body>secret</body></message>")
    client.nothing(lambda element: element.get("id") == "astray", "another's message",
                   lambda: result_of(client.ask("get", "<ping xmlns='urn:xmpp:ping'/>")))
    laboratory.guard.record_where(lambda record: record.get("reason") == "addressing.to-not-own", "the drop", since=since)


@pytest.mark.parametrize("stanza", [
    "<presence id='{id}'/>",
    "<presence id='{id}'><show>away</show><status>at the balcony</status><priority>7</priority></presence>",
    "<presence id='{id}' type='unavailable'><status>gone home</status></presence>",
    "<message id='{id}' to='romeo@north.test' type='chat'><body>Wherefore?</body><thread parent='a'>b</thread></message>",
    "<iq id='{id}' type='get'><query xmlns='jabber:iq:roster' ver='v1'/></iq>",
    "<iq id='{id}' type='get' to='south.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<message id='{id}' to='juliet@south.test/chamber'><body>to another of my clients</body></message>",
], ids=["initial-presence", "presence-with-more", "the-end", "a-message", "a-roster-request", "a-request-to-the-domain", "to-another-resource"])
def test_STZ_02_STZ_03_PRE_02_what_the_client_says_arrives_as_it_is_with_its_address(client, server, stanza):
    """Nothing is added but the from: no `to` where there was none."""
    id = f"own{next(numbers)}"
    said = stanza.replace("{id}", id)
    client.send(said)
    heard = server.expect(lambda element: element.get("id") == id, id)
    assert heard.attrib.pop("from") == JID
    heard.attrib.pop("{http://www.w3.org/XML/1998/namespace}lang", None)  # of the client's stream
    assert same(said, heard), ElementTree.tostring(heard)


def test_SM_01_a_server_without_stream_management(client, server):
    """The client has it all the same, and the server hears nothing of it."""
    heard_before = server.count()
    client.send(f"<enable xmlns='{SM}' resume='true'/>")
    assert client.take(f"{{{SM}}}enabled").get("resume") is None
    for number in range(3):
        client.message("nurse@south.test", f"<body>{number}</body>", id=f"counted{number}")
    server.expect(lambda element: element.get("id") == "counted2", "the third", since=heard_before)
    client.send(f"<r xmlns='{SM}'/>")
    answer = client.take(f"{{{SM}}}a")
    while answer.get("h") != "3":  # each answer comes at once, and so may be early
        client.send(f"<r xmlns='{SM}'/>")
        answer = client.take(f"{{{SM}}}a")
    assert not [element for _, element in server.heard[heard_before:] if element.tag.startswith(f"{{{SM}}}")]


def test_STR_15_a_header_in_anothers_name(laboratory, server):
    """The claim of a header has to be whom the client logs in as; the login does not reach the server."""
    heard_before, since = server.count(), len(laboratory.guard.records())
    stream = laboratory.client_stream(NORTH, SOUTH)
    stream.secure(" from='nurse@south.test'")
    stream.begin("PLAIN", f"\0juliet\0{RIGHT}".encode())
    assert stream.ending() == "invalid-from"
    laboratory.guard.record_where(lambda record: record.get("code") == "session.other-claim", "the claim", since=since)
    assert server.count() == heard_before
    stream.close()


def test_STR_15_a_header_in_the_own_name(laboratory):
    stream = laboratory.client_stream(NORTH, SOUTH)
    stream.secure(" from='juliet@south.test'")
    stream.authenticate("PLAIN", JULIET.name, JULIET.password)
    stream.open(" from='juliet@south.test'")
    assert stream.bind("balcony") == JID
    stream.close()
