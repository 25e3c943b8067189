"""Saying stanzas and waiting for others, whatever carries them: a socket of our own, or another program's."""

import time
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def c(name):
    """A name of the client namespace."""
    return f"{{{CLIENT}}}{name}"


class Silence(AssertionError):
    """What was awaited did not come within the deadline, or the stream ended."""


class Conversation:
    """What is heard stays in the inbox until somebody takes it. Who has `jid`, `send`, `_read` and `ended` can converse."""

    answers_pushes = False  # whether the program behind it answers roster pushes by itself

    def __init__(self):
        self.jid = ""
        self.inbox = []
        self.patience = 60  # no wait is longer than this (seconds), whatever it asks for
        self._ids = 0

    def expect(self, wanted, what, deadline=15):
        """Takes the first stanza for which wanted(element) holds out of the inbox, waiting up to the deadline (seconds)."""
        deadline = min(deadline, self.patience)
        until = time.monotonic() + deadline
        seen = 0
        while True:
            for index in range(seen, len(self.inbox)):
                if wanted(self.inbox[index]):
                    return self.inbox.pop(index)
            seen = len(self.inbox)
            left = until - time.monotonic()
            if left <= 0 or self.ended:
                have = "\n  ".join(ElementTree.tostring(element, encoding="unicode")[:300] for element in self.inbox[-10:])
                why = "the stream ended" if self.ended else f"not within {deadline} s"
                raise Silence(f"{self.jid} waited for {what}: {why}; it has\n  {have}")
            self._read(left)

    def nothing(self, unwanted, what, barrier):
        """Fails if something unwanted has come by the time that barrier() has returned."""
        barrier()
        for element in self.inbox:
            assert not unwanted(element), f"{self.jid} got {what}: {ElementTree.tostring(element, encoding='unicode')[:500]}"

    def next_id(self):
        self._ids += 1
        return f"lab{self._ids}"

    def message(self, to, inside, kind="chat", more="", id=None):
        id = id or self.next_id()
        attribute = f" type='{kind}'" if kind else ""
        self.send(f"<message to={quoteattr(to)} id='{id}'{attribute}{more}>{inside}</message>")
        return id

    def presence(self, to=None, kind=None, inside=""):
        self.send("<presence" + (f" to={quoteattr(to)}" if to else "") + (f" type='{kind}'" if kind else "") +
                  f">{inside}</presence>")

    def request(self, kind, inside, to):
        id = self.next_id()
        self.send(f"<iq type='{kind}' id='{id}'" + (f" to={quoteattr(to)}" if to else "") + f">{inside}</iq>")
        return id

    def answer_to(self, id, deadline=15):
        return self.expect(lambda element: element.tag == c("iq") and element.get("id") == id and
                           element.get("type") in ("result", "error"), f"the answer to iq {id}", deadline)

    def ask(self, kind, inside, to=None, deadline=15):
        return self.answer_to(self.request(kind, inside, to), deadline)

    def subscription(self, contact):
        """What the own server's roster says of the contact: none, to, from or both; None: it is not in there."""
        answer = self.ask("get", "<query xmlns='jabber:iq:roster'/>")
        return next((item.get("subscription") for item in answer.iter("{jabber:iq:roster}item") if item.get("jid") == contact), None)

    def reply(self, request, inside="", kind="result"):
        to = request.get("from")
        self.send(f"<iq type='{kind}' id={quoteattr(request.get('id'))}" + (f" to={quoteattr(to)}" if to else "") + f">{inside}</iq>")

    def expect_message(self, deadline=15, **where):
        return self._expect("message", deadline, where)

    def expect_presence(self, deadline=15, **where):
        return self._expect("presence", deadline, where)

    def expect_request(self, deadline=15, **where):
        return self._expect("iq", deadline, where)

    def _expect(self, name, deadline, where):
        """`sender` is matched as a bare or full JID; `type`, `id`, `body` as they stand (None: absent)."""
        def wanted(element):
            if element.tag != c(name):
                return False
            for key, value in where.items():
                if key == "sender":
                    sender = element.get("from") or ""
                    if sender != value and sender.split("/")[0] != value:
                        return False
                elif key == "body":
                    if element.findtext(c("body")) != value:
                        return False
                elif element.get(key) != value:
                    return False
            return True
        return self.expect(wanted, f"{name} {where}", deadline)
