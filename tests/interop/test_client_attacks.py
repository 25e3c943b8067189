"""A hostile client against the guard. Each attack gets its answer and an audit line with a reason; the server hears nothing of it.

The server is hand-made (lab.c2s_server): it offers more than a guard may hand on, and keeps whatever reaches it.
"""

import base64
import dataclasses
import itertools
import ssl
import xml.etree.ElementTree as ElementTree

import pytest

from client_plays import error_of, result_of
from lab.c2s_server import RIGHT
from lab.conversation import CLIENT, STANZAS, Silence, c
from lab.enclaves import NORTH, SOUTH
from lab.laboratory import Account, Laboratory
from lab.xmpp_client import BIND, SASL, STREAM, TLS, Refused, encoded

JULIET = Account("juliet", RIGHT, SOUTH)
NURSE = "nurse@south.test"
COMPRESS = "http://jabber.org/protocol/compress"
REGISTER = "jabber:iq:register"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory("hand", "hand") as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


# How far a client has come when it attacks.


def in_clear(laboratory):
    stream = laboratory.client_stream(NORTH, SOUTH)
    stream.open()
    return stream


def in_tls(laboratory):
    stream = laboratory.client_stream(NORTH, SOUTH)
    stream.features = stream.secure()
    return stream


def logged_in(laboratory):
    stream = in_tls(laboratory)
    stream.authenticate("PLAIN", JULIET.name, JULIET.password)
    stream.features = stream.open()
    return stream


def bound(laboratory):
    stream = logged_in(laboratory)
    stream.bind("balcony")
    return stream


class Trial:
    """What the server had heard, and what was on record, when the attack began."""

    def __init__(self, laboratory, come):
        self.laboratory = laboratory
        self.guard = laboratory.guard
        self.server = laboratory.client_servers[SOUTH]
        self.client = come(laboratory)
        self.heard_before = self.server.count()
        self.records_before = len(self.guard.records())

    def barrier(self, client=None):
        """A good stanza of this client or of a new one; what was sent before it has been judged when the server has it."""
        mark = f"mark{next(numbers)}"
        speaker = client or bound(self.laboratory)
        speaker.message(NURSE, "<body>good</body>", id=mark)
        self.server.expect(lambda element: element.get("id") == mark, f"the mark {mark}", since=self.heard_before)
        if client is None:
            speaker.close()

    def nothing_crossed(self, client=None):
        """Nothing but the good stanza of the barrier, and the login of the client that said it."""
        self.barrier(client)
        crossed = [element for _, element in self.server.heard[self.heard_before:] if not is_of_barrier(element)]
        assert not crossed, [ElementTree.tostring(element, encoding="unicode")[:300] for element in crossed]
        released = [record for record in self.guard.records()[self.records_before:]
                    if record.get("verdict") in ("release", "alter") and record["from_enclave"] == NORTH.name and
                    not record.get("id", "").startswith("mark")]
        assert not released, released[0]

    def recorded(self, *codes):
        """A line of the log with one of these reasons: of a verdict, of an event, or of what an edge reports."""
        def wanted(record):
            return not {record.get("reason"), record.get("code"), dict(record.get("details", [])).get("code")}.isdisjoint(codes)
        return self.guard.record_where(wanted, " or ".join(codes), since=self.records_before)


GOOD_LOGIN = encoded(f"\0{JULIET.name}\0{JULIET.password}".encode())


def is_of_barrier(element):
    bind = element.tag == c("iq") and element.find(f"{{{BIND}}}bind") is not None
    login = element.tag == f"{{{SASL}}}auth" and element.text == GOOD_LOGIN
    return bind or login or (element.get("id") or "").startswith("mark")


def send(client, text):
    try:
        client.send(text)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass  # the rest was cut off by the end of the stream


# What comes of it.


@dataclasses.dataclass(frozen=True)
class Ends:
    """The stream, with this error."""

    condition: str
    reason: str = "leg.stream-error"

    def check(self, trial):
        assert trial.client.ending() == self.condition
        trial.recorded(self.reason)
        trial.nothing_crossed()


@dataclasses.dataclass(frozen=True)
class Fails:
    """The login, with this condition; the client may try again."""

    condition: str
    reason: str

    def check(self, trial):
        with pytest.raises(Refused) as refused:
            raise Refused(trial.client.take(f"{{{SASL}}}failure"))
        assert refused.value.conditions == [self.condition]
        trial.recorded(self.reason)
        trial.nothing_crossed()
        trial.client.authenticate("PLAIN", JULIET.name, JULIET.password)
        trial.client.open()
        trial.client.bind()


@dataclasses.dataclass(frozen=True)
class Answers:
    """A refusal outside stanzas: this element with this child; the stream goes on."""

    tag: str
    inside: str
    reason: str

    def check(self, trial):
        assert trial.client.take(self.tag).find(self.inside) is not None
        trial.recorded(self.reason)
        trial.nothing_crossed(trial.client)


@dataclasses.dataclass(frozen=True)
class Bounces:
    """A stanza error with this condition; the stream goes on."""

    condition: str
    reason: str

    def check(self, trial):
        answer = trial.client.take(c("iq"), c("message"))
        assert error_of(answer) == self.condition
        trial.recorded(self.reason)
        trial.nothing_crossed(trial.client)


def message(more="", to=NURSE):
    return f"<message to='{to}' id='attack'{more}><body>attack</body></message>"


def iq(inside, kind="set", more=""):
    return f"<iq type='{kind}' id='attack'{more}>{inside}</iq>"


def auth(octets, mechanism="PLAIN"):
    return f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{encoded(octets)}</auth>"


FORGED = Ends("invalid-from", "addressing.from-not-own")
REGISTRATION = f"<query xmlns='{REGISTER}'><username>juliet</username><password>mine</password></query>"
SASL2 = ("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGp1bGlldABvcGVuIHNlc2FtZQ==</initial-response>"
         "<bind xmlns='urn:xmpp:bind:0'><tag>x</tag></bind></authenticate>")
UNKNOWN = Ends("unsupported-stanza-type")
FOREIGN = Ends("invalid-namespace")
BEFORE_LOGIN = Ends("not-authorized")
OTHERS_AUTHZID = Fails("invalid-authzid", "session.login-failed")
MALFORMED = Fails("malformed-request", "session.login-failed")

ATTACKS = [
    # forged from: C-13, STZ-14
    ("another account", bound, message(f" from='{NURSE}'"), FORGED),
    ("another account's resource", bound, message(f" from='{NURSE}/balcony'"), FORGED),
    ("another resource of the account", bound, message(" from='juliet@south.test/elsewhere'"), FORGED),
    ("the server's domain", bound, message(" from='south.test'"), FORGED),
    ("the near enclave's domain", bound, message(" from='romeo@north.test'"), FORGED),
    ("a from that is no address", bound, message(" from='@'"), FORGED),
    ("a forged request", bound, iq("<ping xmlns='urn:xmpp:ping'/>", "get", f" from='{NURSE}'"), FORGED),
    ("a forged subscription", bound, f"<presence type='subscribed' to='romeo@north.test' from='{NURSE}'/>", FORGED),
    # stanzas before their time: C-10, BIND-01, SASL-01
    ("a message before TLS", in_clear, message(), Ends("policy-violation", "stream.ended")),
    ("a message before login", in_tls, message(), BEFORE_LOGIN),
    ("a request before login", in_tls, iq("<query xmlns='jabber:iq:roster'/>", "get"), BEFORE_LOGIN),
    ("an older way to log in", in_tls, iq("<query xmlns='jabber:iq:auth'><username>juliet</username></query>"), BEFORE_LOGIN),
    ("a message before bind", logged_in, message(), BEFORE_LOGIN),
    ("presence before bind", logged_in, "<presence/>", BEFORE_LOGIN),
    ("a request before bind", logged_in, iq("<query xmlns='jabber:iq:roster'/>", "get"), BEFORE_LOGIN),
    ("a legacy session before bind", logged_in, iq("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"), BEFORE_LOGIN),
    ("a second bind", bound, iq(f"<bind xmlns='{BIND}'><resource>more</resource></bind>"), Bounces("not-allowed", "addressing.bound-already")),
    # logins for somebody else: 3.8
    ("another's authzid in PLAIN", in_tls, auth(f"{NURSE}\0juliet\0{RIGHT}".encode()), OTHERS_AUTHZID),
    ("another domain's authzid in PLAIN", in_tls, auth(f"juliet@north.test\0juliet\0{RIGHT}".encode()), OTHERS_AUTHZID),
    ("a third NUL in PLAIN", in_tls, auth(f"\0juliet\0{RIGHT}\0nurse".encode()), MALFORMED),
    ("another domain's name in PLAIN", in_tls, auth(f"\0juliet@north.test\0{RIGHT}".encode()),
     Fails("not-authorized", "session.login-failed")),
    ("a mechanism that is not offered", in_tls, auth(b"juliet", "ANONYMOUS"), Fails("invalid-mechanism", "session.login-failed")),
    ("a mechanism that nobody knows", in_tls, auth(b"juliet", "X-OAUTH2"), Fails("invalid-mechanism", "sasl.failed")),
    ("channel binding that can't hold", in_tls, auth(b"p=tls-exporter,,n=juliet,r=fyko+d2lbbFgONRv9qkxdawL", "SCRAM-SHA-1-PLUS"),
     Fails("invalid-mechanism", "session.login-failed")),
    ("base 64 with a line feed", in_tls, f"<auth xmlns='{SASL}' mechanism='PLAIN'>AGp1\nbGll</auth>", Fails("incorrect-encoding", "sasl.failed")),
    ("a response to no challenge", in_tls, f"<response xmlns='{SASL}'/>", Fails("malformed-request", "sasl.failed")),
    ("a login before TLS", in_clear, auth(f"\0juliet\0{RIGHT}".encode()) + message(), Ends("policy-violation", "sasl.failed")),
    ("two logins in one breath", in_tls, auth(f"\0juliet\0{RIGHT}".encode()) * 2, Ends("policy-violation", "sasl.injection")),
    ("a login of 100 KB", in_tls, auth(b"\0juliet\0" + b"x" * 100_000), Ends("policy-violation")),
    # compression, registration: 3.7
    ("compression before TLS", in_clear, f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>" + message(),
     Ends("policy-violation", "stream.not-offered")),
    ("compression", bound, f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>",
     Answers(f"{{{COMPRESS}}}failure", f"{{{COMPRESS}}}unsupported-method", "stream.not-offered")),
    ("registration before TLS", in_clear, iq(REGISTRATION), Ends("policy-violation", "stream.ended")),
    ("registration before login", in_tls, iq(REGISTRATION), BEFORE_LOGIN),
    ("registration before bind", logged_in, iq(REGISTRATION), BEFORE_LOGIN),
    ("a new password", bound, iq(REGISTRATION), Bounces("service-unavailable", "addressing.registration")),
    ("a new password at the domain", bound, iq(REGISTRATION, more=" to='south.test'"),
     Bounces("service-unavailable", "addressing.registration")),
    ("an account that removes itself", bound, iq(f"<query xmlns='{REGISTER}'><remove/></query>", more=" to='juliet@south.test'"),
     Bounces("service-unavailable", "addressing.registration")),
    # SASL2, Bind 2, and what nobody knows
    ("SASL2", in_tls, SASL2, UNKNOWN),
    ("SASL2 before TLS", in_clear, SASL2, Ends("unsupported-stanza-type", "stream.ended")),
    ("Bind 2", logged_in, "<bind xmlns='urn:xmpp:bind:0'><tag>x</tag></bind>", UNKNOWN),
    ("FAST", in_tls, "<fast xmlns='urn:xmpp:fast:0'/>", UNKNOWN),
    ("an unknown element before login", in_tls, "<x xmlns='urn:example:x'/>", UNKNOWN),
    ("an unknown element before bind", logged_in, "<x xmlns='urn:example:x'/>", UNKNOWN),
    ("an unknown element", bound, "<x xmlns='urn:example:x'/>", UNKNOWN),
    ("a message of no namespace", bound, "<message xmlns='' to='nurse@south.test'><body>attack</body></message>", Ends("bad-format")),
    ("a message of the servers' namespace", bound, "<message xmlns='jabber:server' to='nurse@south.test'/>", FOREIGN),
    ("a component's handshake", bound, "<handshake xmlns='jabber:component:accept'>x</handshake>", FOREIGN),
    ("a stream in a frame", bound, "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>", FOREIGN),
    ("dialback", bound, "<result xmlns='jabber:server:dialback' from='north.test' to='south.test'>key</result>", UNKNOWN),
    ("TLS inside TLS", bound, f"<starttls xmlns='{TLS}'/>", UNKNOWN),
    ("SASL after login", bound, auth(f"\0nurse\0{RIGHT}".encode()), UNKNOWN),
    ("a server's success", in_tls, f"<success xmlns='{SASL}'/>", UNKNOWN),
    ("features from a client", bound, "<stream:features/>", UNKNOWN),
    ("an answer to no request for one", bound, "<a xmlns='urn:xmpp:sm:3' h='0'/>", UNKNOWN),
    ("text between stanzas", bound, "attack", Ends("bad-format")),
]


@pytest.mark.parametrize("come, attack, outcome", [row[1:] for row in ATTACKS], ids=[row[0].replace(" ", "-") for row in ATTACKS])
def test_an_attack(laboratory, come, attack, outcome):
    trial = Trial(laboratory, come)
    send(trial.client, attack)
    outcome.check(trial)
    trial.client.close()


def test_T_19_plaintext_pipelined_behind_starttls_is_never_read(laboratory):
    trial = Trial(laboratory, in_clear)
    send(trial.client, f"<starttls xmlns='{TLS}'/>" + trial.client.header() + auth(f"\0nurse\0{RIGHT}".encode()) + message())
    with pytest.raises((OSError, Silence)):
        trial.client.take(f"{{{TLS}}}proceed")
        trial.client.wrap()
        trial.client.open()
    trial.recorded("tls.injection")
    trial.nothing_crossed()
    trial.client.close()


def test_Z_50_a_stanza_instead_of_the_new_header(laboratory):
    """What stands behind the login in the same octets is not read as if it came after it."""
    trial = Trial(laboratory, in_tls)
    send(trial.client, auth(f"\0{JULIET.name}\0{JULIET.password}".encode()) + message())
    assert trial.client.ending() == "policy-violation"
    trial.recorded("sasl.injection")
    trial.nothing_crossed()
    trial.client.close()


def test_SASL_15_a_flood_of_logins(laboratory):
    """The third failed login ends the stream, and the server has heard of three at most."""
    trial = Trial(laboratory, in_tls)
    for _ in range(2):
        with pytest.raises(Refused):
            trial.client.authenticate("PLAIN", "juliet", "guess")
    trial.client.begin("PLAIN", b"\0juliet\0guess")
    assert trial.client.ending() == "policy-violation"
    trial.recorded("session.too-many-logins")
    tried = [element for _, element in trial.server.heard[trial.heard_before:] if element.tag == f"{{{SASL}}}auth"]
    assert len(tried) == 3
    trial.client.close()


def test_a_flood_of_requests_for_what_is_not_offered(laboratory):
    trial = Trial(laboratory, bound)
    send(trial.client, f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>" * 11)
    assert trial.client.ending() == "policy-violation"
    trial.recorded("stream.not-offered")
    trial.nothing_crossed()
    trial.client.close()


def test_SASL_04_STR_06_a_client_is_offered_what_is_known_and_wanted(laboratory):
    """Whatever else the server offers: no SASL2, no Bind 2, no registration, no compression, no binding to a channel."""
    client = in_tls(laboratory)
    assert [feature.tag for feature in client.features if feature.tag != "{urn:xmpp:stream-limits:0}limits"] == [f"{{{SASL}}}mechanisms"]
    assert [mechanism.text for mechanism in client.features.iter(f"{{{SASL}}}mechanism")] == ["PLAIN"]
    client.authenticate("PLAIN", JULIET.name, JULIET.password)
    features = {feature.tag for feature in client.open()} - {"{urn:xmpp:stream-limits:0}limits"}
    assert features == {f"{{{BIND}}}bind", "{urn:xmpp:sm:3}sm"}
    client.close()


def test_C_13_a_true_from_and_an_absent_one(laboratory):
    """What the client says of itself crosses when it is true, and is written when it is absent: bare for subscriptions, else full."""
    trial = Trial(laboratory, bound)
    for more, stamped in (("", "juliet@south.test/balcony"), (" from='juliet@south.test/balcony'", "juliet@south.test/balcony"),
                          (" from='juliet@south.test'", "juliet@south.test/balcony")):
        mark = f"mark{next(numbers)}"
        trial.client.send(f"<message to='{NURSE}' id='{mark}'{more}><body>true</body></message>")
        heard = trial.server.expect(lambda element: element.get("id") == mark, mark, since=trial.heard_before)
        assert heard.get("from") == stamped
    trial.client.send(f"<presence to='{NURSE}' type='subscribe' id='mark-subscribe'/>")
    heard = trial.server.expect(lambda element: element.get("id") == "mark-subscribe", "the request", since=trial.heard_before)
    assert heard.get("from") == "juliet@south.test"
    result_of(trial.client.ask("get", "<ping xmlns='urn:xmpp:ping'/>"))
    trial.client.close()
