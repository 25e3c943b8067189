"""XEP-0258's rules, each between two real servers: what labels do to messages, rooms, errors, presence and catalogs (labels.md 11)."""

import pytest

from conftest import PEOPLE
from lab.conversation import c
from lab.enclaves import NORTH, SOUTH
from lab.guard import POLICIES, command, sanitizer_reports
from lab.laboratory import Laboratory
from label_plays import (CATALOG, CONFIDENTIAL, INTERNAL, LABEL, MARKINGS, NAMES, OCTETS, SECRET, TOP_SECRET, LabelStage, ess, label,
                         sample, seen)
from plays import acquaint

POLICY = POLICIES / "labels.toml"
DISCO = "http://jabber.org/protocol/disco#info"
MUC = "http://jabber.org/protocol/muc"
LESS_CLEARED = {NORTH: "benvolio", SOUTH: "nurse"}


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory(policy=POLICY) as laboratory:
        yield laboratory
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr


def put_in_force(guard, *changes):
    """The policy with other lines in place of some; every other test finds it as it stands in its file."""
    text = POLICY.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    if guard.policy_file.read_text() == text:
        return
    guard.policy_file.write_text(text)
    since = len(guard.records())
    command("policy", "compile", guard.policy_file, "-o", guard.bundle)
    command("reload", "-c", guard.configuration)
    guard.record_where(lambda record: record.get("code") == "policy.loaded", "the new policy", 20, since)


def south_speaks(policy):
    """South under another policy than north."""
    return ('[enclave.south.labels]\npolicy = "acme"', f'[enclave.south.labels]\npolicy = "{policy}"')


@pytest.fixture(params=list(PEOPLE), ids=lambda way: way.replace(" ", "-"))
def stage(request, laboratory):
    put_in_force(laboratory.guard)
    near_enclave, near, far_enclave, far = PEOPLE[request.param]
    people = [laboratory.login(near_enclave, near), laboratory.login(far_enclave, far)]
    stage = LabelStage(*people, laboratory.guard, far_enclave.rooms)
    stage.enclave, stage.laboratory, stage.judged = far_enclave, laboratory, True
    stage.both_ways = lambda: (tuple(people), tuple(reversed(people)))
    acquaint(stage)
    yield stage
    for person in people:
        person.close()


# One policy on both sides

def test_LBL_01_a_labelled_message_crosses_with_its_label_and_the_marking_of_its_policy(stage):
    heard, record = stage.crosses(label(SECRET))
    arrived = seen(heard)
    assert arrived.octets == OCTETS[SECRET] and not arrived.equivalents
    assert (arrived.marking, arrived.colours) == (MARKINGS[SECRET], ("white", "red"))
    assert record["label_in"] == record["label_out"] == NAMES[SECRET]
    assert record["marking_in"] == record["marking_out"] == MARKINGS[SECRET]


@pytest.mark.parametrize("name", ["X02-message-ess-whitespace", "X03-message-4774", "X26-order"])
def test_LBL_02_a_label_crosses_however_it_is_written(stage, name):
    heard, record = stage.crosses(sample(name))
    assert seen(heard).stanag == ("4774" in name)
    assert record["label_in"] == (NAMES[SECRET] if name != "X26-order" else "ACME (version 7): PUBLIC")


def test_LBL_06_a_label_beyond_the_clearance_of_the_boundary_is_refused(stage):
    record = stage.refused(label(TOP_SECRET, "ACME STRATEGIC"), "label.classification")
    assert record["label_in"].startswith("ACME (version 7): TOP SECRET")
    assert record["label_detail"].startswith("classification of ")


def test_LBL_06_a_label_beyond_the_clearance_of_its_reader_is_refused_and_another_reader_has_it(stage):
    name = LESS_CLEARED[stage.enclave]
    less = stage.laboratory.login(stage.enclave, name)
    less.presence()
    stage.crosses(label(INTERNAL), to=less.bare, reader=less)
    record = stage.refused(label(SECRET), "label.classification", to=less.bare, reader=less)
    assert record["label_detail"] == f"classification of {less.bare}"
    stage.crosses(label(SECRET))
    less.close()


def test_LBL_06_a_label_beyond_the_clearance_of_its_sender_is_refused(stage):
    enclave = NORTH if stage.near.domain == NORTH.domain else SOUTH
    less = LabelStage(stage.laboratory.login(enclave, LESS_CLEARED[enclave]), stage.far, stage.guard, stage.rooms)
    less.crosses(label(INTERNAL), to=stage.far.bare)
    record = less.refused(label(SECRET), "label.classification", to=stage.far.bare)
    assert record["label_detail"] == f"classification of {less.near.bare}"
    less.near.close()


def test_LBL_04_a_marking_that_is_not_that_of_the_label_is_written_anew(stage):
    heard, record = stage.crosses(label(SECRET, "ACME PUBLIC"))
    assert seen(heard).marking == MARKINGS[SECRET]
    assert "label.marking-contradicts" in record["findings"]
    assert (record["marking_in"], record["marking_out"]) == ("ACME PUBLIC", MARKINGS[SECRET])
    stage.refused(label(TOP_SECRET, "ACME PUBLIC"), "label.classification")


@pytest.mark.parametrize("inside, reason", [
    (label(INTERNAL) + label(SECRET), "label.violation"),
    (f"<securitylabel xmlns='{LABEL}'><label>{ess(INTERNAL)}</label><label>{ess(SECRET)}</label></securitylabel>", "label.violation"),
    (f"<securitylabel xmlns='{LABEL}'><displaymarking>ACME PUBLIC</displaymarking></securitylabel>", "payload.count"),
    (f"<securitylabel xmlns='{LABEL}'><label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'/></label></securitylabel>",
     "label.malformed"),
    (f"<securitylabel xmlns='{LABEL}'><label><other xmlns='urn:example'/></label></securitylabel>", "label.unusable"),
    (label(SECRET, equivalent=INTERNAL), "label.conflict"),
], ids=["two", "two-inside", "none-inside", "empty-ess", "unknown-format", "two-meanings"])
def test_LBL_09_a_label_that_is_not_one_is_never_taken_for_the_default(stage, inside, reason):
    stage.refused(inside, reason)


def test_LBL_07_a_message_without_label_is_refused_and_one_that_says_nothing_is_not(stage):
    stage.refused("", "label.missing")
    sent = stage.near.message(stage.far.jid, "<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    stage.far.expect_message(id=sent)


def test_LBL_07_the_default_label_of_the_peering_is_stamped_on_what_has_none(stage):
    put_in_force(stage.guard, ('message = "refuse"', 'message = "stamp"'))
    for inside in ("", f"<securitylabel xmlns='{LABEL}'><label/></securitylabel>"):
        heard, record = stage.crosses(inside)
        assert (seen(heard).octets, seen(heard).marking) == (OCTETS[INTERNAL], MARKINGS[INTERNAL])
        assert "label.stamped" in record["findings"]
        assert record["label_out"] == NAMES[INTERNAL]


ERROR = "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"


def answer_with_error(stage, more):
    """The reader answers a message with an error; what the guard made of that."""
    heard, _ = stage.crosses(label(INTERNAL))
    stage.far.message(stage.near.jid, ERROR + more, kind="error", id=heard.get("id"))
    return heard.get("id"), stage.record(heard.get("id"), stage.far.jid)


def test_LBL_08_an_error_is_not_judged_by_label_and_carries_none(stage):
    for more, findings in (("", []), (label(TOP_SECRET, "anything"), ["shape.error-echo"])):
        id, record = answer_with_error(stage, more)
        assert record["verdict"] == "alter" and record["findings"] == [*findings, "error.levelled"], record
        assert [child.tag for child in stage.near.expect_message(id=id, type="error")] == [c("error")]


def test_LBL_08_where_errors_cross_whole_one_with_a_label_is_dropped_in_silence(stage):
    put_in_force(stage.guard, ("[rate]", '[settings]\ntransparency = "full"\n\n[rate]'))
    _, record = answer_with_error(stage, label(INTERNAL))
    assert (record["verdict"], record["reason"]) == ("drop", "label.violation"), record
    id, _ = answer_with_error(stage, "")
    stage.near.expect_message(id=id, type="error")
    assert not any(element.get("type") == "error" for element in stage.near.inbox)


def test_LBL_09_a_label_on_presence_keeps_it_from_crossing(stage):
    near, far = stage.near, stage.far
    near.presence(far.jid, inside=f"<status>labelled</status>{label(INTERNAL)}")
    record = stage.guard.record_where(lambda record: record.get("kind") == "presence" and record.get("from") == near.jid
                                      and record.get("reason") == "label.violation", "the presence", since=stage.since)
    assert record["verdict"] == "drop"
    far.nothing(lambda element: element.findtext(c("status")) == "labelled", "presence with a label", lambda: stage.barrier(far))
    near.presence(far.jid, inside="<status>plain</status>")
    far.expect(lambda element: element.findtext(c("status")) == "plain", "presence without label")


def test_LBL_09_a_label_inside_a_forwarded_message_decides_too(stage):
    def forwarded(id):
        return (f"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='{stage.near.jid}' "
                f"to='{stage.far.bare}' type='chat'><body>inside</body>{label(id, MARKINGS.get(id, 'ACME STRATEGIC'))}</message></forwarded>")
    heard, _ = stage.crosses(label(INTERNAL) + forwarded(SECRET))
    assert seen(heard.find("{urn:xmpp:forward:0}forwarded")[0]).octets == OCTETS[SECRET]
    stage.refused(label(INTERNAL) + forwarded(TOP_SECRET), "label.classification")


def test_LBL_05_a_catalog_is_cut_to_what_may_cross(stage):
    near, far = stage.near, stage.far
    offered = "".join(f"<item selector='{id}'{more}>{label(id, MARKINGS.get(id, 'ACME STRATEGIC'))}</item>"
                      for id, more in ((INTERNAL, ""), (SECRET, ""), (TOP_SECRET, " default='true'")))
    asked = near.request("get", f"<catalog xmlns='{CATALOG}' to='{far.bare}'/>", far.jid)
    request = far.expect_request(sender=near.jid, type="get")
    far.reply(request, f"<catalog xmlns='{CATALOG}' to='{far.bare}' name='all' id='c' size='3'>{offered}</catalog>")
    catalog = near.answer_to(asked).find(f"{{{CATALOG}}}catalog")
    items = catalog.findall(f"{{{CATALOG}}}item")
    assert [seen(item).octets for item in items] == [OCTETS[INTERNAL], OCTETS[SECRET]]
    assert [seen(item).marking for item in items] == [MARKINGS[INTERNAL], MARKINGS[SECRET]]
    assert not any(item.get("default") for item in items), "the default was taken out, and no other is made up"
    assert catalog.get("restrict") == "true" and catalog.get("size") == "2" and catalog.get("id") is None
    stage.guard.record_where(lambda record: "label.catalog-cut" in record.get("findings", []) and record.get("to") == near.jid,
                             "the catalog", since=stage.since)


def test_LBL_11_a_clients_word_that_it_knows_labels_crosses(stage):
    near, far = stage.near, stage.far
    asked = near.request("get", f"<query xmlns='{DISCO}'/>", far.jid)
    far.reply(far.expect_request(sender=near.jid, type="get"),
              f"<query xmlns='{DISCO}'><identity category='client' type='pc'/><feature var='{LABEL}'/><feature var='{CATALOG}'/></query>")
    features = near.answer_to(asked).findall(f"{{{DISCO}}}query/{{{DISCO}}}feature")
    assert [feature.get("var") for feature in features] == [LABEL, CATALOG]


def features(person, to):
    return {feature.get("var") for feature in person.ask("get", f"<query xmlns='{DISCO}'/>", to).findall(f"{{{DISCO}}}query/{{{DISCO}}}feature")}


def test_LBL_11_the_guard_says_in_a_servers_name_that_labels_are_judged(stage):
    assert LABEL in features(stage.near, stage.enclave.domain)
    assert CATALOG not in features(stage.near, stage.enclave.domain), "no catalog may be asked for"


def test_LBL_11_a_server_that_may_be_asked_says_itself_what_it_knows(stage):
    put_in_force(stage.guard, ("presence_interval = 0\n[peering.labels]\nmessage = \"refuse\"",
                               f"presence_interval = 0\nrequests_to_domain = [\"get {DISCO}\"]\n[peering.labels]\nmessage = \"refuse\""))
    server = stage.enclave.domain
    at_home, across = features(stage.far, server), features(stage.near, server)
    assert {DISCO, LABEL} & at_home == {DISCO, LABEL} & across and DISCO in across
    assert LABEL in across or stage.enclave is SOUTH, "one of the two servers says that it knows labels"


# Rooms

def room(stage):
    """Opened by the one who lives beside it, joined by the other, who may say what it is about."""
    near, far, there = stage.near, stage.far, f"council@{stage.rooms}"
    far.presence(f"{there}/two", inside=f"<x xmlns='{MUC}'/>")
    far.expect_presence(sender=f"{there}/two", type=None)
    far.ask("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'>"
            f"<field var='FORM_TYPE'><value>{MUC}#roomconfig</value></field>"
            "<field var='muc#roomconfig_changesubject'><value>1</value></field></x></query>", there)
    near.presence(f"{there}/one", inside=f"<x xmlns='{MUC}'><history maxstanzas='0'/></x>")
    near.expect_presence(sender=f"{there}/one", type=None)
    far.expect_presence(sender=f"{there}/one", type=None)
    return there


def leave(stage, there):
    stage.near.presence(f"{there}/one", "unavailable")
    stage.near.expect_presence(sender=f"{there}/one", type="unavailable")
    stage.far.presence(f"{there}/two", "unavailable")
    stage.far.expect_presence(sender=f"{there}/two", type="unavailable")


def test_LBL_06_a_room_has_a_clearance_of_its_own(stage):
    there = room(stage)
    heard, record = stage.crosses(label(CONFIDENTIAL), to=there, kind="groupchat")
    assert seen(heard).marking == MARKINGS[CONFIDENTIAL]
    echo = stage.near.expect_message(sender=f"{there}/one", type="groupchat", body=heard.findtext(c("body")))
    assert seen(echo).octets == OCTETS[CONFIDENTIAL], "on its way back from the room it is judged again"
    record = stage.refused(label(SECRET), "label.classification", to=there, kind="groupchat")
    assert record["label_detail"] == f"classification of {there}"
    # What is said aside in the room is said in the room.
    heard, _ = stage.crosses(label(CONFIDENTIAL), to=f"{there}/two")
    assert heard.get("from") == f"{there}/one" and seen(heard).octets == OCTETS[CONFIDENTIAL]
    stage.refused(label(SECRET), "label.classification", to=f"{there}/two")
    stage.crosses(label(SECRET))  # to the same person, outside the room
    leave(stage, there)


def test_LBL_07_what_is_said_in_a_room_without_label_gets_that_of_the_one_who_says_it(stage):
    there = room(stage)
    heard, record = stage.crosses("", to=there, kind="groupchat")
    assert seen(heard).octets == OCTETS[INTERNAL] and "label.stamped" in record["findings"]
    leave(stage, there)


def test_LBL_07_a_subject_without_label_gets_that_of_the_room_and_one_with_a_label_is_judged_by_it(stage):
    there = room(stage)
    sent = stage.near.message(there, "<subject>Supplies</subject>", kind="groupchat")
    heard = stage.far.expect(lambda element: element.findtext(c("subject")) == "Supplies", "the subject")
    assert heard.get("from") == f"{there}/one"
    record = stage.record(sent)
    assert record["label_out"] == NAMES[CONFIDENTIAL] and "label.stamped" in record["findings"]
    stage.refused(f"<subject>Convoys</subject>{label(SECRET)}", "label.classification", to=there, body=False, kind="groupchat")
    leave(stage, there)


# Two policies: north speaks ACME, south speaks NORDIA

def of_way(stage, from_north, from_south):
    return from_north if stage.near.domain == NORTH.domain else from_south


def test_LBL_06_a_label_is_translated_to_the_partners_policy_by_the_equivalences_of_the_spif(stage):
    put_in_force(stage.guard, south_speaks("nordia"))
    said = of_way(stage, SECRET, "M01")
    heard, record = stage.crosses(label(said))
    assert seen(heard).marking == of_way(stage, "[NRD/SEALED/RELEASE UK+FR/FROM ACME]", "ACME CONFIDENTIAL REL TO UK, NO")
    assert seen(heard).octets not in ("", OCTETS[said])
    assert "label.translated" in record["findings"]
    north = of_way(stage, NAMES[SECRET], "ACME (version 7): CONFIDENTIAL + Releasable To:UK + Releasable To:NO")
    south = of_way(stage, "NORDIA (version 3): SEALED + Release:UK + Release:FR + Origin:ACME",
                   "NORDIA (version 3): GUARDED + Release:UK + Release:NO")
    assert (record["label_in"], record["label_out"]) == of_way(stage, (north, south), (south, north))


def test_LBL_06_a_label_without_equivalent_never_crosses_as_it_was(stage):
    put_in_force(stage.guard, south_speaks("nordia"), ('classes = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "SECRET"]',
                                                       'classes = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "SECRET", "TOP SECRET"]'),
                 ('categories = ["Releasable To:*"]', 'categories = ["Releasable To:*", "Handling:*"]'))
    stage.plain = of_way(stage, INTERNAL, "M07")
    record = stage.refused(label(of_way(stage, TOP_SECRET, "M06"), "anything"), "label.translation")
    assert "label_out" not in record


def test_the_translation_may_be_added_beside_the_label(stage):
    put_in_force(stage.guard, south_speaks("nordia"), ('translated = "replace"', 'translated = "add"'))
    said = of_way(stage, SECRET, "M01")
    heard, record = stage.crosses(label(said))
    assert seen(heard).octets == OCTETS[said] and len(seen(heard).equivalents) == 1
    assert seen(heard).equivalents != [OCTETS[said]]
    assert "label.translated" in record["findings"]


def test_an_equivalent_label_of_the_sender_is_not_believed(stage):
    heard, record = stage.crosses(label("M01", "[NRD/GUARDED]", equivalent=INTERNAL))
    assert seen(heard).marking == "ACME CONFIDENTIAL REL TO UK, NO" and not seen(heard).equivalents
    assert "label.equivalents-dropped" in record["findings"]


# Peers without XEP-0258

def test_LBL_03_who_carries_no_labels_gets_the_marking_as_the_first_line(stage):
    carrier = f'[enclave.{stage.enclave.name}.labels]\npolicy = "acme"\nclearances = ["allies", "partners"]\nlabel = "internal"\ncarrier = '
    put_in_force(stage.guard, (carrier + '"element"', carrier + '"first-line"'))
    heard, record = stage.crosses(label(CONFIDENTIAL), text="ACME CONFIDENTIAL\n{}")
    assert heard.find(f"{{{LABEL}}}securitylabel") is None
    assert "label.first-line-added" in record["findings"]
    # And the other way: the first line is known for what it stands for, and taken off.
    sent = stage.far.message(stage.near.jid, "<body>ACME CONFIDENTIAL&#10;At dawn.</body>")
    heard = stage.near.expect_message(id=sent)
    assert heard.findtext(c("body")) == "At dawn." and seen(heard).octets == OCTETS[CONFIDENTIAL]
