"""Rooms through the gate of presence, both ways: whoever joins hears the room until he leaves or is put out, and not a word longer."""

import itertools

import pytest

from lab.conversation import STANZAS, c
from lab.enclaves import NORTH, SOUTH, other
from lab.guard import sanitizer_reports
from lab.laboratory import Laboratory

MUC = "http://jabber.org/protocol/muc"
USER = f"{{{MUC}#user}}"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(lanes=2) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)


@pytest.fixture(params=[NORTH, SOUTH], ids=lambda enclave: f"rooms-of-{enclave.name}")
def scene(request, laboratory):
    scene = Scene(laboratory, request.param)
    yield scene
    for person in (scene.guest, scene.owner, scene.third):
        person.close()


def codes(presence):
    return {status.get("code") for status in presence.iter(f"{USER}status")}


class Scene:
    """A room of one enclave with its owner and a third person in it; the guest is in the other enclave."""

    def __init__(self, laboratory, side):
        names = {NORTH: ("romeo", "benvolio"), SOUTH: ("juliet", "nurse")}
        number = next(numbers)
        self.guard = laboratory.guard
        self.room = f"play{number}@{side.rooms}"
        self.owner, self.third = (laboratory.login(side, name, f"room{number}") for name in names[side])
        self.guest = laboratory.login(other(side), names[other(side)][0], f"room{number}")
        self.join(self.owner, "owner")
        answer = self.owner.ask("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", self.room)
        assert answer.get("type") == "result"
        self.join(self.third, "third")

    def occupant(self, nick):
        return f"{self.room}/{nick}"

    def join(self, person, nick):
        person.presence(self.occupant(nick), inside=f"<x xmlns='{MUC}'><history maxstanzas='0'/></x>")
        assert "110" in codes(person.expect_presence(sender=self.occupant(nick), type=None, id=None))

    def guest_joins(self):
        self.join(self.guest, "guest")
        for person in (self.owner, self.third):
            person.expect_presence(sender=self.occupant("guest"), type=None)

    def set(self, person, item, result="result"):
        answer = person.ask("set", f"<query xmlns='{MUC}#admin'>{item}</query>", self.room)
        assert answer.get("type") == result

    def expect_silence(self):
        """The room goes on, and the guest hears nothing of it."""
        self.guest.inbox.clear()
        news = self.guard.news()
        self.owner.message(self.room, "<body>are they gone?</body>", kind="groupchat")
        self.owner.presence(self.occupant("owner"), inside="<show>dnd</show>")
        self.owner.expect_message(sender=self.occupant("owner"), type="groupchat")
        answer = self.guest.ask("get", "<ping xmlns='urn:xmpp:ping'/>", self.owner.domain)
        assert answer.get("type") == "result"
        assert not [element for element in self.guest.inbox if (element.get("from") or "").startswith(self.room)]
        assert not [record for record in news.look() if record.get("from", "").startswith(self.room) and
                    record.get("verdict") in ("release", "alter")]


def test_who_joins_sees_who_is_there_and_hears_what_is_said(scene):
    scene.guest_joins()
    for nick in ("owner", "third"):
        scene.guest.expect_presence(sender=scene.occupant(nick), type=None)
    for speaker, listener, nick in ((scene.guest, scene.third, "guest"), (scene.third, scene.guest, "third")):
        speaker.message(scene.room, f"<body>from {nick}</body>", kind="groupchat")
        listener.expect_message(sender=scene.occupant(nick), type="groupchat", body=f"from {nick}")


def test_a_new_nick(scene):
    scene.guest_joins()
    scene.guest.presence(scene.occupant("masked"))
    assert "303" in codes(scene.guest.expect_presence(sender=scene.occupant("guest"), type="unavailable"))
    assert "110" in codes(scene.guest.expect_presence(sender=scene.occupant("masked"), type=None))
    scene.owner.message(scene.room, "<body>who is that?</body>", kind="groupchat")
    scene.guest.expect_message(sender=scene.occupant("owner"), type="groupchat", body="who is that?")


def test_a_private_message(scene):
    scene.guest_joins()
    scene.guest.message(scene.occupant("owner"), f"<body>between us</body><x xmlns='{MUC}#user'/>")
    scene.owner.expect_message(sender=scene.occupant("guest"), type="chat", body="between us")
    scene.owner.message(scene.occupant("guest"), f"<body>of course</body><x xmlns='{MUC}#user'/>")
    scene.guest.expect_message(sender=scene.occupant("owner"), type="chat", body="of course")


def test_requests_to_the_room_and_to_oneself(scene):
    scene.guest_joins()
    answer = scene.guest.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", scene.room)
    features = {feature.get("var") for feature in answer.iter("{http://jabber.org/protocol/disco#info}feature")}
    assert answer.get("type") == "result" and MUC in features
    # XEP-0410: whether one is still in the room. The room asks, or answers in one's place.
    asked = scene.guest.request("get", "<ping xmlns='urn:xmpp:ping'/>", scene.occupant("guest"))
    heard = scene.guest.expect(lambda element: element.tag == c("iq") and (
        element.get("id") == asked or element.find("{urn:xmpp:ping}ping") is not None), "an answer or the room's question")
    if heard.get("id") != asked or heard.get("type") == "get":
        scene.guest.reply(heard)
        heard = scene.guest.answer_to(asked)
    assert heard.get("type") == "result"


def test_P_10_no_real_address_crosses_though_the_room_shows_them_to_all(scene):
    """Nor are the lists of members asked for from outside, though the room would tell its administrators."""
    form = f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>{MUC}#roomconfig</value>" \
           "</field><field var='muc#roomconfig_whois'><value>anyone</value></field></x></query>"
    assert scene.owner.ask("set", form, scene.room).get("type") == "result"
    heard, at_home = [], []
    scene.guest.wire.tap, scene.third.wire.tap = heard.append, at_home.append
    scene.guest_joins()
    scene.set(scene.owner, f"<item jid='{scene.guest.bare}' affiliation='admin'/>")
    administrator = lambda element: element.find(f"{USER}x/{USER}item[@affiliation='admin']") is not None  # noqa: E731
    for person in (scene.guest, scene.third):
        person.expect(administrator, "the new administrator")
    lists = [f"<query xmlns='{MUC}#admin'><item affiliation='{kind}'/></query>" for kind in ("owner", "admin", "member")]
    for question in [*lists, "<query xmlns='http://jabber.org/protocol/disco#items'/>"]:
        assert scene.owner.ask("get", question, scene.room).get("type") == "result", "the room itself keeps it back"
        answer = scene.guest.ask("get", question, scene.room)
        assert answer.get("type") == "error" and answer.find(f"{c('error')}/{{{STANZAS}}}service-unavailable") is not None
    assert scene.guest.jid.encode() in b"".join(at_home), "the room shows nobody's address"
    for person in (scene.owner, scene.third):
        assert person.bare.encode() not in b"".join(heard)


def test_a_moderator_from_the_other_side_puts_somebody_out(scene):
    scene.guest_joins()
    scene.set(scene.guest, "<item nick='third' role='none'/>", "error")
    scene.set(scene.owner, "<item nick='guest' role='moderator'/>")
    scene.set(scene.guest, "<item nick='third' role='none'><reason>enough</reason></item>")
    assert "307" in codes(scene.third.expect_presence(sender=scene.occupant("third"), type="unavailable"))


def test_who_is_put_out_hears_that_and_nothing_more(scene):
    scene.guest_joins()
    scene.set(scene.owner, "<item nick='guest' role='none'><reason>enough</reason></item>")
    assert {"110", "307"} <= codes(scene.guest.expect_presence(sender=scene.occupant("guest"), type="unavailable"))
    scene.expect_silence()
    scene.guest.message(scene.room, "<body>but</body>", kind="groupchat")
    scene.guest_joins()


def test_who_leaves_hears_that_and_nothing_more(scene):
    scene.guest_joins()
    scene.guest.presence(scene.occupant("guest"), "unavailable")
    assert "110" in codes(scene.guest.expect_presence(sender=scene.occupant("guest"), type="unavailable"))
    scene.owner.expect_presence(sender=scene.occupant("guest"), type="unavailable")
    scene.expect_silence()
