"""What labelled messages look like to people (XEP-0258): how they are written, what arrived, and what the sender of a refused one hears."""

import dataclasses

from lab.conversation import STANZAS, c
from lab.guard import ROOT

LABEL = "urn:xmpp:sec-label:0"
ESS = "urn:xmpp:sec-label:ess:0"
STANAG = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
CATALOG = "urn:xmpp:sec-label:catalog:2"
DATA = ROOT / "tests" / "policy" / "label" / "data"

# The octets of the label samples, by their id: L05, M01.
OCTETS = {row.split("\t")[0]: row.split("\t")[1] for row in (DATA / "labels-ess" / "labels.tsv").read_text().splitlines()
          if not row.startswith("#")}

INTERNAL, CONFIDENTIAL, SECRET, TOP_SECRET = "L02", "L03", "L05", "L31"
MARKINGS = {INTERNAL: "ACME INTERNAL", CONFIDENTIAL: "ACME CONFIDENTIAL", SECRET: "ACME SECRET REL TO UK, FRANCE"}
NAMES = {INTERNAL: "ACME (version 7): INTERNAL", CONFIDENTIAL: "ACME (version 7): CONFIDENTIAL",
         SECRET: "ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR"}


def sample(name):
    """The securitylabel of a sample stanza."""
    text = (DATA / "xep0258" / f"{name}.xml").read_text()
    return text[text.index("<securitylabel"):text.index("</securitylabel>") + len("</securitylabel>")]


def ess(id):
    return f"<esssecuritylabel xmlns='{ESS}'>{OCTETS[id]}</esssecuritylabel>"


def label(id, marking=None, equivalent=None):
    """As an honest client writes it, unless it is told another marking, or an equivalent label."""
    shown = marking or MARKINGS.get(id)
    return (f"<securitylabel xmlns='{LABEL}'>"
            + (f"<displaymarking fgcolor='white' bgcolor='red'>{shown}</displaymarking>" if shown else "")
            + f"<label>{ess(id)}</label>" + (f"<equivalentlabel>{ess(equivalent)}</equivalentlabel>" if equivalent else "")
            + "</securitylabel>")


@dataclasses.dataclass
class Seen:
    """The one label of a stanza as its reader sees it."""

    marking: str
    colours: tuple
    octets: str         # of an ESS label, else ""
    stanag: bool
    equivalents: list   # the octets of each


def seen(stanza):
    found = stanza.findall(f"{{{LABEL}}}securitylabel")
    assert len(found) == 1, f"{len(found)} labels"
    marking = found[0].find(f"{{{LABEL}}}displaymarking")
    inside = found[0].find(f"{{{LABEL}}}label")
    return Seen(marking.text, (marking.get("fgcolor"), marking.get("bgcolor")), inside.findtext(f"{{{ESS}}}esssecuritylabel") or "",
                inside.find(f"{{{STANAG}}}originatorConfidentialityLabel") is not None,
                [each.findtext(f"{{{ESS}}}esssecuritylabel") for each in found[0].findall(f"{{{LABEL}}}equivalentlabel")])


class LabelStage:
    """`near` speaks first, `far` is in the other enclave; `guard` is between them, and keeps the record."""

    def __init__(self, near, far, guard, rooms):
        self.near, self.far, self.guard, self.rooms = near, far, guard, rooms
        self.since = len(guard.records())  # ids come again in every test
        self.plain = INTERNAL  # a label with which anything may cross
        self._bodies = 0

    def body(self):
        self._bodies += 1
        return f"line {self._bodies} of {self.near.jid}"

    def record(self, id, sender=None):
        """What the guard put on record about the stanza with that id from the one who spoke."""
        sender = sender or self.near.jid
        return self.guard.record_where(
            lambda record: record.get("record") == "stanza" and record.get("id") == id and record.get("from") == sender,
            f"stanza {id} from {sender}", since=self.since)

    def crosses(self, inside, to=None, reader=None, text=None, **more):
        """Says it, and gives what arrived and its record. `text`: the body that is to arrive."""
        reader = reader or self.far
        body = self.body()
        sent = self.near.message(to or reader.jid, f"<body>{body}</body>{inside}", **more)
        heard = reader.expect_message(id=sent)
        assert heard.get("type") != "error", heard.attrib
        assert heard.findtext(c("body")) == (text or "{}").format(body), heard.findtext(c("body"))
        record = self.record(sent)
        assert record["verdict"] in ("release", "alter"), record
        return heard, record

    def refused(self, inside, reason, to=None, reader=None, body=True, **more):
        """Says it, and gives its record. The sender hears what every refusal says, and the reader nothing."""
        reader = reader or self.far
        text = self.body()
        sent = self.near.message(to or reader.jid, (f"<body>{text}</body>" if body else "") + inside, **more)
        answer = self.near.expect_message(id=sent, type="error")
        error = answer.find(c("error"))
        assert error.find(f"{{{STANZAS}}}policy-violation") is not None and error.get("type") == "modify"
        assert [child.tag for child in answer] == [c("error")], "the answer says more than that it was refused"
        assert error.findtext(f"{{{STANZAS}}}text") is None
        record = self.record(sent)
        assert (record["verdict"], record["reason"]) == ("bounce", reason), record
        reader.nothing(lambda element: element.findtext(c("body")) == text, "what was refused", lambda: self.barrier(reader))
        return record

    def barrier(self, reader):
        """Returns when all that was sent to the reader before has arrived, if it ever does."""
        sent = self.near.message(reader.jid, f"<body>barrier</body>{label(self.plain)}")
        reader.expect_message(id=sent)
