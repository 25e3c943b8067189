"""Getting in, being kept out and being thrown out: what a client sees of it is the same without the guard and with it."""

import base64
import concurrent.futures
import os

import pytest

from client_plays import ROSTER, available, error_of, items, pushed, result_of
from lab.conversation import c
from lab.enclaves import NORTH, SOUTH, other
from lab.waiting import until_true
from lab.xmpp_client import BIND, SASL, Refused, Way

SM = "urn:xmpp:sm:3"
ALLOWED = {f"{{{BIND}}}bind", f"{{{SM}}}sm", "{urn:ietf:params:xml:ns:xmpp-session}session", "{urn:xmpp:csi:0}csi",
           "{urn:xmpp:features:rosterver}ver", "{urn:xmpp:features:pre-approval}sub", "{urn:xmpp:stream-limits:0}limits"}
MECHANISMS = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256")


@pytest.fixture(scope="module")
def laboratory(client_laboratory):
    with client_laboratory(strangers=60, direct_tls_to=(SOUTH,)) as laboratory:
        yield laboratory


@pytest.fixture(params=[NORTH, SOUTH], ids=lambda enclave: f"to-{enclave.name}")
def far(request):
    return request.param


def opened(laboratory, far, way=Way(), **more):
    """A stream up to the features inside TLS."""
    stream = laboratory.client_stream(other(far), far, way.family, direct_tls=way.direct_tls, **more)
    stream.features = stream.secure()
    return stream


def logged_in(laboratory, far, account, way=Way()):
    """A stream that is authenticated and not yet bound; its features are those after SASL."""
    stream = opened(laboratory, far, way)
    stream.authenticate(way.mechanism, account.name, account.password)
    stream.features = stream.open()
    return stream


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("direct_tls", [False, True], ids=["starttls", "direct-tls"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_SASL_03_SASL_12_every_way_in(laboratory, far, mechanism, direct_tls, family):
    account = laboratory.accounts[far]
    name = {NORTH: "romeo", SOUTH: "juliet"}[far]
    stream = opened(laboratory, far, Way(mechanism, direct_tls, family))
    assert mechanism in {each.text for each in stream.features.iter(f"{{{SASL}}}mechanism")}
    stream.authenticate(mechanism, name, account[name])
    stream.open()
    assert stream.bind("lab").startswith(f"{name}@{far.domain}/")
    stream.close()


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("who", ["wrong password", "unknown account"])
def test_kept_out_and_then_let_in(laboratory, far, mechanism, who):
    """Whether the account or the password is wrong looks alike; on the same stream the right ones still get in."""
    account = laboratory.stranger(far)
    stream = opened(laboratory, far)
    name = account.name if who == "wrong password" else "nobody-at-all"
    with pytest.raises(Refused) as refused:
        stream.authenticate(mechanism, name, "not it")
    assert refused.value.conditions == ["not-authorized"]
    stream.authenticate(mechanism, account.name, account.password)
    stream.open()
    stream.bind("lab")
    stream.close()


def test_a_mechanism_that_was_not_offered(laboratory, far):
    stream = opened(laboratory, far)
    stream.begin("X-UNKNOWN", b"whatever")
    failure = stream.outcome()
    assert failure.tag == f"{{{SASL}}}failure" and failure.find(f"{{{SASL}}}invalid-mechanism") is not None
    stream.close()


def test_SASL_12_an_exchange_that_the_client_aborts(laboratory, far):
    account = laboratory.stranger(far)
    stream = opened(laboratory, far)
    stream.begin("SCRAM-SHA-1", f"n,,n={account.name},r=fyko+d2lbbFgONRv9qkxdawL".encode())
    challenge = base64.b64decode(stream.take(f"{{{SASL}}}challenge").text)
    assert challenge.startswith(b"r=fyko+d2lbbFgONRv9qkxdawL")
    stream.send(f"<abort xmlns='{SASL}'/>")
    failure = stream.outcome()
    assert failure.tag == f"{{{SASL}}}failure" and failure.find(f"{{{SASL}}}aborted") is not None
    stream.authenticate("SCRAM-SHA-1", account.name, account.password)
    stream.close()


def test_BIND_03_a_resource_made_by_the_server_and_one_proposed(laboratory, far):
    account = laboratory.stranger(far)
    made, proposed = logged_in(laboratory, far, account), logged_in(laboratory, far, account)
    resource = made.bind().partition("/")[2]
    assert resource
    assert proposed.bind("laptop-42") == f"{account.bare}/laptop-42"
    made.close()
    proposed.close()


def test_BIND_06_a_resource_that_may_not_be(laboratory, far):
    """One server answers with an error, after which the client tries again; the other gives a resource of its own instead.

    The guard does not hand on what is no resource, and answers it as the first of them does.
    """
    stream = logged_in(laboratory, far, laboratory.stranger(far))
    answer = stream.ask("set", f"<bind xmlns='{BIND}'><resource>&#x202E;</resource></bind>")
    if laboratory.products[far] == "ejabberd" or not laboratory.direct:
        assert error_of(answer) == "bad-request"
        stream.bind("fit")
    else:
        assert result_of(answer).find(f".//{{{BIND}}}jid").text.partition("/")[2]
    stream.close()


def test_the_features_after_login(laboratory, far):
    """Roster versioning, client state and stream management are offered; the guard lets no others through than it knows."""
    stream = logged_in(laboratory, far, laboratory.stranger(far))
    tags = {feature.tag for feature in stream.features}
    assert {f"{{{BIND}}}bind", f"{{{SM}}}sm", "{urn:xmpp:csi:0}csi", "{urn:xmpp:features:rosterver}ver"} <= tags, tags
    if not laboratory.direct:
        assert tags <= ALLOWED, tags - ALLOWED
    stream.bind("lab")
    result_of(stream.ask("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"))
    stream.close()


def test_ROS_04_roster_versions(laboratory, far):
    """A client that has the newest roster is told so with an empty result."""
    client = laboratory.client(other(far), laboratory.stranger(far))
    result_of(client.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='tybalt@{far.domain}'/></query>"))
    whole = result_of(client.ask("get", "<query xmlns='jabber:iq:roster' ver=''/>")).find("{jabber:iq:roster}query")
    assert len(whole) == 1 and whole.get("ver")
    known = result_of(client.ask("get", f"<query xmlns='jabber:iq:roster' ver='{whole.get('ver')}'/>"))
    assert known.find("{jabber:iq:roster}query") is None
    client.close()


def test_ROS_01_hundreds_of_contacts(laboratory, far):
    """A large roster is the same for the client that is away as for the one at home, push for push.

    Prosody writes the whole roster with each contact: 500 are for the long form there.
    """
    count = 120 if laboratory.products[far] == "prosody" and os.environ.get("SALLYPORT_LONG") != "1" else 500
    account = laboratory.stranger(far)
    away, home = laboratory.client(other(far), account, "away"), laboratory.client(far, account, "home")
    contacts = [f"contact{number}@{far.domain}" for number in range(count)]
    for number, contact in enumerate(contacts):
        home.request("set", f"<query xmlns='{ROSTER}'><item jid='{contact}' name='Number {number}'><group>{number % 7}</group></item></query>", None)
    for number, contact in enumerate(contacts):
        attributes, groups = pushed(away, contact)
        assert attributes.get("name") == f"Number {number}" and groups == [str(number % 7)]
    assert set(items(away)) == set(contacts)
    assert items(away) == items(home)
    away.close()
    home.close()


def befriended(one, two):
    """Each sees the other's presence from now on."""
    available(one, two)
    for asking, asked in ((one, two), (two, one)):
        asking.presence(asked.bare, "subscribe")
        asked.expect_presence(sender=asking.bare, type="subscribe")
        asked.presence(asking.bare, "subscribed")
        asking.expect_presence(sender=asked.jid, type=None)


@pytest.mark.parametrize("roster_first", [True, False], ids=["roster-first", "presence-first"])
def test_ROS_04_the_roster_before_or_after_presence(laboratory, far, roster_first):
    """In either order the same contacts are there."""
    account, friendly = laboratory.stranger(far), laboratory.stranger(far)
    home, friend = laboratory.client(far, account, "home"), laboratory.client(far, friendly, "friend")
    befriended(home, friend)
    away = logged_in(laboratory, far, account)
    away.bind("away")
    if not roster_first:
        away.presence()
    assert items(away)[friend.bare][0]["subscription"] == "both"
    if roster_first:
        away.presence()
    away.expect_presence(sender=friend.jid, type=None)
    away.expect_presence(sender=home.jid, type=None)
    friend.expect_presence(sender=away.jid, type=None)
    for each in (away, home, friend):
        each.close()


def test_a_client_that_sleeps(laboratory, far):
    """XEP-0352: while a client says that it is inactive, messages still come; afterwards all that was held back is there."""
    account = laboratory.stranger(far)
    away, home = laboratory.client(other(far), account, "away"), laboratory.client(far, laboratory.stranger(far), "home")
    available(away)
    away.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    result_of(away.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))  # now the server knows
    home.message(away.jid, "<body>urgent</body>")
    away.expect_message(sender=home.jid, body="urgent")
    home.presence(away.jid, inside="<status>less urgent</status>")
    away.send("<active xmlns='urn:xmpp:csi:0'/>")
    away.expect_presence(sender=home.jid)
    away.close()
    home.close()


def test_SM_acknowledgements(laboratory, far):
    """XEP-0198 without a cut: both sides count the same stanzas."""
    account = laboratory.stranger(far)
    away, home = laboratory.client(other(far), account, "away"), laboratory.client(far, laboratory.stranger(far), "home")
    home.presence()
    away.send(f"<enable xmlns='{SM}'/>")
    away.take(f"{{{SM}}}enabled")
    for number in range(5):
        away.message(home.jid, f"<body>{number}</body>")
    home.expect_message(body="4")

    def acknowledged():
        away.send(f"<r xmlns='{SM}'/>")
        return away.take(f"{{{SM}}}a").get("h") == "5"
    until_true(acknowledged, "an acknowledgement of all five")  # each answer comes at once, and so may be early
    away.close()
    home.close()


def test_a_resource_that_is_taken(laboratory, far):
    """The newer client gets the resource, the older one a conflict."""
    account = laboratory.stranger(far)
    older = laboratory.client(other(far), account, "same")
    newer = laboratory.client(other(far), account, "same")
    assert newer.jid == older.jid
    assert older.ending() == "conflict"
    result_of(newer.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))
    newer.close()


def test_a_client_that_takes_its_leave(laboratory, far):
    """The closing tag is answered by one, and the account's other client hears of it."""
    account = laboratory.stranger(far)
    away, twin = laboratory.client(other(far), account, "away"), laboratory.client(far, account, "twin")
    twin.presence()
    away.presence()
    twin.expect_presence(sender=away.jid, type=None)
    away.send("</stream:stream>")
    assert away.ending() == ""
    twin.expect_presence(sender=away.jid, type="unavailable")
    twin.close()


def stopped_server_said(laboratory, far, client, since):
    """Whether the server said a last word to this client. It is told to stop, and started again.

    Either server may close a connection with nothing said when its end comes in the midst of something; a capture of the packets shows
    it, and the control has it too. What the guard makes of it has to be the truth in each case.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as aside:
        stopped = aside.submit(laboratory.servers[far].stop, 120)  # its last words are read while it says them
        told = client.ending(60)
        stopped.result()
    laboratory.servers[far].start()
    if laboratory.direct:
        assert told in ("system-shutdown", "")
        return told != ""
    bound = laboratory.guard.record_where(lambda record: ["jid", client.jid] in record.get("details", []), "the session", since=since)
    end = laboratory.guard.record_where(
        lambda record: record.get("crossing") == bound["crossing"] and record.get("enclave") == far.name and
        record.get("code") in ("leg.stream-error", "leg.lost", "leg.closed"), "the end of the server's leg", since=since)
    details = dict(end["details"])
    if end["code"] == "leg.stream-error":
        assert details["condition"] == told == "system-shutdown"
        return True
    assert end["code"] == "leg.lost" and details["cause"] in ("the peer closed TLS", "the peer closed the connection"), details
    assert told == "remote-connection-failed"
    return False


def test_a_server_restarts(laboratory, far):
    """The last of these: the client is told of the shutdown, and gets in again when the server is back."""
    account = laboratory.stranger(far)
    for _ in range(5):
        since = len(laboratory.guard.records()) if laboratory.guard else 0
        if stopped_server_said(laboratory, far, laboratory.client(other(far), account), since):
            break
    else:
        pytest.fail("the server never said why it stopped")
    client = laboratory.client(other(far), account)
    assert result_of(client.ask("get", "<ping xmlns='urn:xmpp:ping'/>")).tag == c("iq")
    client.close()
