"""Clients of other people's making at servers of another enclave: all of client_plays, directly as the control, and through the guard.

The combinations of client, server, mechanism, TLS and IP family are spread so that each value meets each client once; the long form
takes all of them.
"""

import itertools
import os

import pytest

from client_plays import DISCO_INFO, MAM, PLAYS, UPLOAD, ClientStage, available, items, pushed
from lab.enclaves import NORTH, SOUTH, other
from lab.mcabber import Mcabber
from lab.program_client import ProgramClient
from lab.xmpp_client import Way

LONG = os.environ.get("SALLYPORT_LONG") == "1"
SPREAD = [  # client, server's enclave, way in. north is Prosody, south is ejabberd
    ("raw", NORTH, Way("PLAIN", False, 4)),
    ("raw", NORTH, Way("SCRAM-SHA-1", True, 6)),
    ("raw", SOUTH, Way("SCRAM-SHA-256", False, 6)),
    ("raw", SOUTH, Way("PLAIN", True, 4)),
    ("slixmpp", NORTH, Way("SCRAM-SHA-256", True, 6)),
    ("slixmpp", SOUTH, Way("SCRAM-SHA-1", False, 4)),
    ("nbxmpp", NORTH, Way("SCRAM-SHA-1", False, 4)),
    ("nbxmpp", SOUTH, Way("SCRAM-SHA-256", True, 6)),
    ("libstrophe", NORTH, Way("its own choice", False, 6)),
    ("libstrophe", SOUTH, Way("its own choice", True, 4)),
]
if LONG:
    SPREAD = [(client, far, Way(mechanism, direct_tls, family)) for client, far, mechanism, direct_tls, family in itertools.product(
        ("raw", "slixmpp", "nbxmpp", "libstrophe"), (NORTH, SOUTH), ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"), (False, True), (4, 6))
        if client != "libstrophe" or mechanism == "PLAIN"]


@pytest.fixture(scope="module")
def laboratory(client_laboratory):
    with client_laboratory(archive=True, strangers=2 * len(SPREAD) + 2, direct_tls_to=(NORTH,)) as laboratory:
        yield laboratory


@pytest.fixture(scope="module")
def stages(laboratory):
    """The stage of each combination, set when it is first asked for, and again after a play that failed."""
    built = {}
    yield built
    for stage in built.values():
        stage.close()


def enter(laboratory, client, far, way):
    account, friend = laboratory.stranger(far), laboratory.stranger(far)
    near = other(far)
    if client == "raw":
        roamer = laboratory.client(near, account, "away", way)
    else:
        roamer = ProgramClient(client, account, *laboratory.entrance(near, far, way.family), "away", way)
    if laboratory.guard:
        laboratory.guard.record_where(lambda record: ["jid", roamer.jid] in record.get("details", []), f"the session of {roamer.jid}")
    return ClientStage(roamer, laboratory.client(far, friend, "home"), laboratory.client(far, account, "twin"), laboratory.products[far],
                       laboratory.judged)


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
@pytest.mark.parametrize("combination", SPREAD, ids=lambda row: f"{row[0]}-to-{row[1].name}-{row[2]}".replace(" ", "-"))
def test_a_client_at_home_in_the_far_enclave(laboratory, stages, combination, play):
    if combination not in stages:
        stages[combination] = enter(laboratory, *combination)
    try:
        play(stages[combination])
    except BaseException:
        stages.pop(combination).close()
        raise


@pytest.mark.parametrize("far, family", [(NORTH, 4), (SOUTH, 6)], ids=["to-north-ipv4", "to-south-ipv6"])
def test_a_person_with_mcabber(laboratory, far, family):
    """A client with a screen: it logs in with PLAIN, the only one of these mechanisms that it knows, and shows what arrives."""
    account, friendly = laboratory.stranger(far), laboratory.stranger(far)
    friend, twin = laboratory.client(far, friendly, "home"), laboratory.client(far, account, "twin")
    available(friend, twin)
    person = Mcabber(account, *laboratory.entrance(other(far), far, family), laboratory.folder, "away").enter()
    try:
        speaks_and_hears(person, friend)
        subscribes(person, friend, twin)
        sits_in_a_room(person, friend, f"verona-{account.name}@{far.rooms}")
        asks_its_server(person, far)
        gets_copies(person, friend, twin)
    finally:
        for each in (person, friend, twin):
            each.close()


def speaks_and_hears(person, friend):
    person.do(f"say_to {friend.bare} Wherefore art thou?")
    heard = friend.expect_message(sender=person.bare, body="Wherefore art thou?")
    friend.message(heard.get("from"), "<body>Here \u2665 I am</body>")
    person.until("Here \u2665 I am", lambda: person.history(friend.bare))


def subscribes(person, friend, twin):
    person.do(f"add {friend.bare} Friend")
    friend.expect_presence(sender=person.bare, type="subscribe")
    friend.presence(person.bare, "subscribed")
    while "ask" in pushed(twin, friend.bare)[0]:
        pass
    person.until(f"<{friend.jid}>", person.trace)
    assert items(twin)[friend.bare] == ({"name": "Friend", "subscription": "to"}, [])


def sits_in_a_room(person, friend, there):
    friend.presence(f"{there}/two", inside="<x xmlns='http://jabber.org/protocol/muc'/>")
    friend.expect_presence(sender=f"{there}/two", type=None)
    friend.ask("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", there)
    person.do(f"room join {there} one")
    friend.expect_presence(sender=f"{there}/one", type=None)
    friend.message(there, "<body>Peace</body>", kind="groupchat")
    person.until("Peace", lambda: person.history(there))
    person.do(f"say_to {there} I hate the word")
    friend.expect_message(sender=f"{there}/one", type="groupchat", body="I hate the word")


def asks_its_server(person, far):
    for request, answer in (
            ("<iq type='set' id='vc1'><vCard xmlns='vcard-temp'><FN>Nurse</FN></vCard></iq>", 'id="vc1"'),
            ("<iq type='get' id='vc2'><vCard xmlns='vcard-temp'/></iq>", "<FN>Nurse</FN>"),
            (f"<iq type='set' id='ar1'><query xmlns='{MAM}'/></iq>", "<fin"),
            (f"<iq type='get' id='up1' to='{far.uploads}'><query xmlns='{DISCO_INFO}'/></iq>", UPLOAD)):
        person.do(f"rawxml send {request}")
        person.until(answer, person.trace)


def gets_copies(person, friend, twin):
    friend.message(twin.jid, "<body>for the twin</body>")
    twin.expect_message(sender=friend.jid, body="for the twin")
    person.until("for the twin", lambda: person.history(friend.bare))
