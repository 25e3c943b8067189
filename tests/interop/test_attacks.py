"""A hostile server against the guard. Each attack gets its answer and an audit line; nothing of it crosses; no process ends."""

import itertools
import ssl
import xml.etree.ElementTree as ElementTree

import pytest

from lab.enclaves import NORTH, SOUTH
from lab.laboratory import Laboratory
from lab.s2s_peer import SERVER, header, s
from lab.conversation import STANZAS, Silence
from lab.xmpp_client import SASL, STREAM, TLS
from vectors import JULIET, MALLORY, SMUGGLING, VIOLATIONS, Bounced, Crosses, Dropped, Severed, message

PLENTY = "connections_per_address = 1000\nattempts_per_minute = 100000\n"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory("hand", "hand", limits=PLENTY) as laboratory:
        pids = laboratory.guard.pids()
        yield laboratory
        laboratory.guard.end_well(pids)


@pytest.fixture
def trial(laboratory):
    return Trial(laboratory)


class Trial:
    """What both servers had received, and what was on record, when the test began."""

    def __init__(self, laboratory):
        self.laboratory = laboratory
        self.guard = laboratory.guard
        self.near = laboratory.listeners[NORTH]
        self.far = laboratory.listeners[SOUTH]
        self.near_before = self.near.count()
        self.far_before = self.far.count()
        self.records_before = len(self.guard.records())

    def peer(self, **more):
        return self.laboratory.dialler(NORTH, **more)

    def barrier(self, peer=None):
        """A good stanza on the same or a new stream; when it has crossed, all that was sent before has been judged."""
        mark = f"mark{next(numbers)}"
        marker = peer or self.peer().establish()
        marker.send(f"<message from='{MALLORY}' to='{JULIET}' id='{mark}'><body>{mark}</body></message>")
        self.far.expect(lambda element: element.get("id") == mark, f"the mark {mark}", since=self.far_before)
        if peer is None:
            marker.close()

    def crossed(self):
        return [element for element in self.far.stanzas[self.far_before:] if not (element.get("id") or "").startswith("mark")]

    def came_back(self):
        return self.near.stanzas[self.near_before:]

    def recorded(self, wanted, what):
        record = self.guard.record_where(wanted, what, since=self.records_before)
        assert record.get("reason") or record.get("code"), record
        return record


def judge(trial, attack, outcome, piece):
    peer = trial.peer().establish()
    try:
        peer.send(attack, piece)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        assert isinstance(outcome, Severed)  # the rest was cut off by the end of the stream
    if isinstance(outcome, Severed):
        assert peer.ending() in outcome.conditions
        trial.barrier()
        assert not trial.crossed() and not trial.came_back()
        trial.recorded(lambda record: record.get("code") in ("leg.stream-error", "leg.severed") or record.get("verdict") == "sever",
                       "the end of the stream")
    elif isinstance(outcome, Bounced):
        returned = trial.near.expect(lambda element: element.get("type") == "error", "the error", since=trial.near_before)
        error = returned.find(s("error"))
        conditions = [child.tag[1:].partition("}")[2] for child in error if child.tag.startswith("{" + STANZAS + "}")]
        assert len(conditions) == 1 and conditions[0] in outcome.conditions, conditions
        assert returned.get("to") == MALLORY and returned.get("from"), returned.attrib
        trial.barrier(peer)
        assert not trial.crossed() and len(trial.came_back()) == 1
        trial.recorded(lambda record: record.get("verdict") == "bounce", "the bounce")
    elif isinstance(outcome, Dropped):
        trial.barrier(peer)
        assert not trial.crossed() and not trial.came_back()
        trial.recorded(lambda record: record.get("verdict") == "drop", "the drop")
    elif isinstance(outcome, Crosses):
        trial.barrier(peer)
        arrived = trial.crossed()
        assert len(arrived) == 1 and not trial.came_back()
        assert outcome.check(arrived[0]), ElementTree.tostring(arrived[0], encoding="unicode")
        trial.recorded(lambda record: record.get("verdict") in ("release", "alter"), "the release")
    peer.close()


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "octet-by-octet"])
@pytest.mark.parametrize("name, attack, outcome", SMUGGLING, ids=[row[0] for row in SMUGGLING])
def test_smuggling(trial, name, attack, outcome, piece):
    judge(trial, attack, outcome, piece)


@pytest.mark.parametrize("name, attack, outcome", VIOLATIONS, ids=[row[0] for row in VIOLATIONS])
def test_violations(trial, name, attack, outcome):
    judge(trial, attack, outcome, None)


# Before the stream is open

FEATURES = f"{{{STREAM}}}features"


def nothing_crossed(trial):
    trial.barrier()
    assert not trial.crossed() and not trial.came_back()


def test_plaintext_pipelined_behind_starttls_is_never_read(trial):
    """T-19, vector 49: a stanza behind <starttls/> in the same segment must not count as sent inside TLS."""
    peer = trial.peer()
    peer.open()
    peer.send(f"<starttls xmlns='{TLS}'/>".encode() + header("north.test", "south.test").encode() + message())
    try:
        peer.take_named(f"{{{TLS}}}proceed", 5)
        peer.wrap()
        peer.open()
        answer = peer.authenticate()
        assert answer.tag == f"{{{SASL}}}success"
    except (Silence, OSError):
        pass  # ending the connection is as good
    peer.close()
    nothing_crossed(trial)


def test_a_stanza_before_tls_is_refused(trial):
    peer = trial.peer()
    peer.open()
    peer.send(message())
    assert peer.ending() in ("not-authorized", "policy-violation")
    nothing_crossed(trial)


def test_sasl_before_tls_is_refused(trial):
    peer = trial.peer()
    features = peer.open()
    assert features.find(f"{{{SASL}}}mechanisms") is None
    assert features.find(f"{{{TLS}}}starttls/{{{TLS}}}required") is not None
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    failure = peer.take_named(f"{{{SASL}}}failure")
    assert failure.find(f"{{{SASL}}}encryption-required") is not None
    peer.close()
    nothing_crossed(trial)


def test_a_stanza_before_authentication_is_refused(trial):
    peer = trial.peer()
    peer.secure()
    peer.send(message())
    assert peer.ending() == "not-authorized"
    nothing_crossed(trial)


def test_a_stanza_instead_of_the_new_header_is_refused(trial):
    """Vector 50: between <success/> and the new header only a header is legal."""
    peer = trial.peer()
    peer.secure()
    assert peer.authenticate().tag == f"{{{SASL}}}success"
    peer.send(message())
    peer.wire.restart()
    assert peer.ending() != "none"
    nothing_crossed(trial)


@pytest.mark.parametrize("start, conditions", [
    (b"\xff\xfe<\0?\0", ("unsupported-encoding", "not-well-formed", "")),
    (b"<\0?\0x\0m\0l\0", ("unsupported-encoding", "not-well-formed", "")),
    (b"\xef\xbb\xbf<?xml version='1.0'?>", ("unsupported-encoding", "not-well-formed", "")),
    (b"<?xml version='1.0' encoding='ISO-8859-1'?>", ("unsupported-encoding",)),
    (b"<?xml version='1.0' encoding='UTF-7'?>", ("unsupported-encoding",)),
    (b"<?xml version='1.1'?>", ("restricted-xml", "unsupported-encoding")),
    (b"<?xml version='1.0' standalone='no'?>", ("restricted-xml",)),
    (b"<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", ("restricted-xml",)),
], ids=["10 UTF-16 with BOM", "11 UTF-16 without BOM", "15 BOM", "13 ISO-8859-1", "14 UTF-7", "17 XML 1.1", "standalone", "27 DOCTYPE"])
def test_the_first_octets(trial, start, conditions):
    peer = trial.peer()
    peer.send(start + header("north.test", "south.test").replace("<?xml version='1.0'?>", "").encode())
    assert peer.ending() in conditions
    assert not any(element.tag == FEATURES for element in peer.inbox)


def test_a_header_of_another_stream_namespace(trial):
    peer = trial.peer()
    peer.send(header("north.test", "south.test").replace("http://etherx.jabber.org/streams", "urn:streams"))
    assert peer.ending() == "invalid-namespace"


def test_a_header_of_the_client_namespace(trial):
    peer = trial.peer()
    peer.send(header("north.test", "south.test").replace(SERVER, "jabber:client"))
    assert peer.ending() == "invalid-namespace"


def test_a_domain_that_is_not_served(trial):
    peer = trial.peer(recipient="elsewhere.test")
    peer.send(header("north.test", "elsewhere.test"))
    assert peer.ending() == "host-unknown"


def test_another_name_in_tls_than_in_the_stream(trial):
    """SNI and the header's `to` name different far domains: the certificate shown was for another than the one spoken to."""
    peer = trial.peer()
    peer.open()
    peer.send(f"<starttls xmlns='{TLS}'/>")
    peer.take_named(f"{{{TLS}}}proceed")
    peer.wrap(sni="rooms.south.test")
    peer.send(header("north.test", "south.test"))
    assert peer.ending() in ("host-unknown", "improper-addressing", "policy-violation", "not-authorized")
    nothing_crossed(trial)


def test_a_certificate_for_another_domain(trial):
    """The header claims a domain that the certificate does not name."""
    other = trial.laboratory.authorities[NORTH].issue("other", ["other.north.test"])
    refused(trial, other)


def test_a_certificate_that_names_the_domain_only_in_its_common_name(trial):
    refused(trial, trial.laboratory.authorities[NORTH].issue("cn", [], common_name="north.test"))


def test_a_certificate_that_has_expired(trial):
    refused(trial, trial.laboratory.authorities[NORTH].issue("expired", ["north.test"], valid_from=-48, valid_to=-24))


def test_a_certificate_that_is_not_valid_yet(trial):
    refused(trial, trial.laboratory.authorities[NORTH].issue("early", ["north.test"], valid_from=24, valid_to=48))


def test_a_certificate_of_the_other_enclaves_authority(trial):
    refused(trial, trial.laboratory.authorities[SOUTH].issue("foreign", ["north.test"]))


def test_no_certificate(trial):
    peer = trial.laboratory.dialler(NORTH)
    peer.certificate = None
    refused_peer(trial, peer)


def test_a_domain_of_the_far_enclave(trial):
    """An enclave speaks only for its own domains, whatever its authority certifies."""
    own = trial.laboratory.authorities[NORTH].issue("south", ["south.test"])
    refused_peer(trial, trial.peer(sender="south.test", recipient="north.test", certificate=own))
    refused_peer(trial, trial.peer(sender="south.test", recipient="south.test", certificate=own))


def test_an_identity_in_sasl_other_than_the_headers(trial):
    peer = trial.peer()
    peer.secure()
    answer = peer.authenticate(authzid="rooms.north.test")
    assert answer.tag != f"{{{SASL}}}success"
    nothing_crossed(trial)


def refused(trial, certificate):
    refused_peer(trial, trial.peer(certificate=certificate))


def refused_peer(trial, peer):
    """Whatever is tried without a right to it ends before <success/>: in TLS, by a stream error, or by a SASL failure."""
    try:
        peer.secure()
        answer = peer.authenticate()
        assert answer.tag != f"{{{SASL}}}success", "authenticated without a right to it"
    except (Silence, OSError):
        pass
    finally:
        peer.close()
    nothing_crossed(trial)


def test_a_pair_that_no_rule_grants(trial):
    """rooms.north.test may not speak to rooms.south.test: refused before <success/>, with a line that says so."""
    peer = trial.peer(sender="rooms.north.test", recipient="rooms.south.test")
    try:
        peer.secure()
    except Silence:
        pass  # the stream may end in the place of the features
    assert peer.ending() == "policy-violation"
    trial.recorded(lambda record: record.get("code") == "leg.not-granted", "the refusal")
    nothing_crossed(trial)


def test_more_octets_than_allowed_before_authentication(trial):
    peer = trial.peer()
    peer.secure()
    try:
        for _ in range(64):
            peer.send(" " * 1024)
        peer.ending()
    except OSError:
        pass
    nothing_crossed(trial)


def test_a_stanza_cut_off_by_the_end_of_the_connection(trial):
    """Vector 48: what was not complete is not processed."""
    peer = trial.peer().establish()
    peer.send(message()[:-5])
    peer.close()
    nothing_crossed(trial)


def test_ten_thousand_stanzas_in_a_few_writes(trial):
    """Vector 58: order and number hold."""
    peer = trial.peer().establish()
    count = 10000
    peer.send(b"".join(f"<message from='{MALLORY}' to='{JULIET}' id='n{n}'><body>{n}</body></message>".encode()
                       for n in range(count)))
    trial.far.expect(lambda element: element.get("id") == f"n{count - 1}", "the last one", 60, since=trial.far_before)
    assert [element.get("id") for element in trial.crossed()] == [f"n{n}" for n in range(count)]
    peer.close()


def test_a_close_is_answered(trial):
    peer = trial.peer().establish()
    peer.send("</stream:stream>")
    assert peer.ending() == ""
    nothing_crossed(trial)
