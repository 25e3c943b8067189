"""Pseudonymous resources between two real servers (protocol.md P-02): what is seen is another name, and all that is sent to it arrives."""

import pytest

from lab.conversation import STANZAS, c
from lab.enclaves import NORTH, SOUTH
from lab.guard import POLICY, sanitizer_reports
from lab.laboratory import Laboratory
from plays import VERSION, part, subscribe

MUC = "http://jabber.org/protocol/muc"
PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """The ordinary policy, and in each of its peerings both sides hide."""
    hidden = f'[[peering]]\nhidden_resources = ["{NORTH.domain}", "{SOUTH.domain}"]\n'
    policy = tmp_path_factory.mktemp("policy") / "hidden-resources.toml"
    policy.write_text(POLICY.read_text().replace("[[peering]]\n", hidden))
    with Laboratory(policy=policy, lanes=2) as laboratory:
        yield laboratory
        key = laboratory.guard.state / "resource.key"
        assert key.stat().st_size == 32 and key.stat().st_mode & 0o777 == 0o600
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


def resource(jid):
    return jid.partition("/")[2]


def assert_hidden(jid, person):
    assert jid.split("/")[0] == person.bare
    assert len(resource(jid)) == 43 and jid != person.jid, jid


def acquainted(stage):
    """Both see each other. The names by which far is known to near, and near to far."""
    part(stage)
    names = []
    for watcher, watched in stage.both_ways():
        subscribe(watcher, watched)
        names.append(watcher.expect_presence(sender=watched.bare, type=None).get("from"))
    for name, person in zip(names, (stage.far, stage.near)):
        assert_hidden(name, person)
    return names


def test_presence_shows_another_name_and_always_the_same(laboratory, stage):
    far_name, near_name = acquainted(stage)
    news = laboratory.guard.news()
    stage.near.presence(inside="<show>away</show><status>gone to Mantua</status>")
    told = stage.far.expect(lambda element: element.findtext(c("status")) == "gone to Mantua", "the new status")
    assert told.get("from") == near_name
    record = news.await_record(lambda record: record.get("from_out") == near_name, "of the presence")
    assert record["from"] == stage.near.jid
    for each in acquainted(stage):
        assert each in (far_name, near_name), "the second time it has the same name"
    stage.near.presence(stage.far.bare, "unavailable")
    assert stage.far.expect_presence(sender=stage.near.bare, type="unavailable").get("from") == near_name


def test_a_chat_goes_to_the_resource_and_back(laboratory, stage):
    far_name, near_name = acquainted(stage)
    stage.near.message(far_name, "<body>to your desk</body>")
    heard = stage.far.expect_message(sender=stage.near.bare, body="to your desk")
    assert heard.get("to") == stage.far.jid and heard.get("from") == near_name
    stage.far.message(heard.get("from"), "<body>to yours</body>")
    heard = stage.near.expect_message(sender=stage.far.bare, body="to yours")
    assert heard.get("to") == stage.near.jid and heard.get("from") == far_name


def test_requests_and_their_answers_find_each_other(laboratory, stage):
    far_name, near_name = acquainted(stage)
    for asker, answerer, asked_as, asker_as in ((stage.near, stage.far, far_name, near_name), (stage.far, stage.near, near_name, far_name)):
        for payload, answer in ((PING, ""), (f"<query xmlns='{VERSION}'/>", f"<query xmlns='{VERSION}'><name>quill</name></query>")):
            asked = asker.request("get", payload, asked_as)
            question = answerer.expect_request(sender=asker.bare, type="get")
            assert question.get("to") == answerer.jid and question.get("from") == asker_as
            answerer.reply(question, answer)
            answered = asker.answer_to(asked)
            assert answered.get("type") == "result" and answered.get("from") == asked_as
            assert (answered.find(f"{{{VERSION}}}query") is not None) == bool(answer)


def test_the_real_name_is_as_good_as_any_guess(laboratory, stage):
    acquainted(stage)
    near, far = stage.near, stage.far
    for guess in (resource(far.jid), "phone", 43 * "A"):
        answer = near.ask("get", PING, f"{far.bare}/{guess}")
        assert answer.get("type") == "error" and answer.get("from") == f"{far.bare}/{guess}"
        assert answer.find(f"{c('error')}/{{{STANZAS}}}service-unavailable") is not None
        near.message(f"{far.bare}/{guess}", f"<body>for {guess}</body>")
        assert far.expect_message(sender=near.bare, body=f"for {guess}").get("to") == far.bare
    assert not [element for element in far.inbox if element.tag == c("iq") and element.find("{urn:xmpp:ping}ping") is not None]


def test_a_room_works_with_its_nicknames(laboratory, stage):
    near, far = stage.near, stage.far
    there = f"verona{far.next_id()}@{stage.rooms}"
    far.presence(f"{there}/two", inside=f"<x xmlns='{MUC}'/>")
    far.expect_presence(sender=f"{there}/two", type=None)
    far.ask("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", there)
    near.presence(f"{there}/one", inside=f"<x xmlns='{MUC}'><history maxstanzas='0'/></x>")
    near.expect_presence(sender=f"{there}/two", type=None)
    itself = near.expect_presence(sender=f"{there}/one", type=None)
    assert "110" in {status.get("code") for status in itself.iter(f"{{{MUC}#user}}status")}
    joined = far.expect_presence(sender=f"{there}/one", type=None)
    for item in joined.iter(f"{{{MUC}#user}}item"):  # whoever owns the room is told who comes
        if item.get("jid"):
            assert_hidden(item.get("jid"), near)
    near.message(there, "<body>A plague on both your houses</body>", kind="groupchat")
    for person in (near, far):
        person.expect_message(sender=f"{there}/one", type="groupchat", body="A plague on both your houses")
    near.message(f"{there}/two", "<body>a word</body>")
    assert far.expect_message(body="a word").get("from") == f"{there}/one"
    far.message(f"{there}/one", "<body>in your ear</body>")
    heard = near.expect_message(body="in your ear")
    assert heard.get("from") == f"{there}/two" and heard.get("to") == near.jid
    answer = near.ask("get", PING, f"{there}/one")
    assert answer.get("from") == f"{there}/one"
    near.presence(f"{there}/one", "unavailable")
    near.expect_presence(sender=f"{there}/one", type="unavailable")
    far.expect_presence(sender=f"{there}/one", type="unavailable")
    far.presence(f"{there}/two", "unavailable")
