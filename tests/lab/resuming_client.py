"""A client that resumes its session after its connection broke (XEP-0198), and remembers what the server has not acknowledged."""

import collections
import select
import time
import xml.etree.ElementTree as ElementTree

from lab.conversation import Silence, c
from lab.xmpp_client import STREAM, ClientStream, Refused

SM = "urn:xmpp:sm:3"
STANZAS = {c("message"), c("presence"), c("iq")}


class ResumingClient:
    """`connect()` makes a ClientStream. Messages that it hears are in `heard`, as (from, id) in their order."""

    def __init__(self, connect, account, resource):
        self.account = account
        self.heard = []
        self.errors = []  # the same of what came back with an error
        self.resumptions = 0
        self.sessions = 0
        self._connect = connect
        self._resource = resource
        self._unacknowledged = collections.deque()
        self._acknowledged = 0
        self._handled = 0
        self._previous = None
        self._stream = None

    @property
    def outstanding(self):
        return len(self._unacknowledged)

    @property
    def session_id(self):
        """What the session is resumed by."""
        return self._previous

    def unacknowledged_ids(self):
        """Of the stanzas that the server has not acknowledged; those that have one."""
        return [id for id in (ElementTree.fromstring(text).get("id") for text in self._unacknowledged) if id]

    def enter(self, deadline=60):
        """Resumes the session; where there is none, or none any more, begins a new one. Tries until the deadline (seconds)."""
        until = time.monotonic() + deadline
        while True:
            try:
                return self._enter()
            except (Silence, OSError, Refused, AssertionError):
                if self._stream:
                    self._stream.sock.close()
                if time.monotonic() > until:
                    raise
                select.select([], [], [], 0.05)

    def _enter(self):
        stream = self._stream = self._connect()
        stream.secure()
        stream.authenticate("SCRAM-SHA-1", self.account.name, self.account.password)
        stream.open()
        if self._previous:
            stream.send(f"<resume xmlns='{SM}' previd='{self._previous}' h='{self._handled}'/>")
            answer = stream.take(f"{{{SM}}}resumed", f"{{{SM}}}failed")
            if answer.tag == f"{{{SM}}}resumed":
                self._take(int(answer.get("h")))
                self.resumptions += 1
                for text in self._unacknowledged:
                    stream.send(text)
                return self
            if answer.get("h"):
                self._take(int(answer.get("h")))
        stream.bind(self._resource)
        stream.send(f"<enable xmlns='{SM}' resume='true'/>")
        enabled = stream.take(f"{{{SM}}}enabled")
        assert enabled.get("resume") in ("true", "1")
        self._previous, self._handled, self._acknowledged = enabled.get("id"), 0, 0
        self.sessions += 1
        again, self._unacknowledged = self._unacknowledged, collections.deque()
        stream.send("<presence/>")
        self._unacknowledged.append("<presence/>")
        for text in again:
            if text != "<presence/>":
                self.say(text)
        return self

    def say(self, text):
        """Sends a stanza, now or after the next resumption."""
        self._unacknowledged.append(text)
        try:
            self._stream.send(text)
        except OSError:
            self.enter()

    def listen(self, seconds):
        """Reads what comes, at most so long; resumes when the connection is gone."""
        stream = self._stream
        try:
            if stream.ended:
                raise OSError("ended")
            stream._read(seconds)
            while stream.inbox:
                self._consider(stream.inbox.pop(0))
        except OSError:
            # What has been read on the connection that broke has come, and counts.
            for element in stream.inbox:
                self._consider(element, may_answer=False)
            return self.enter()
        return self

    def _consider(self, element, may_answer=True):
        if element.tag in STANZAS:
            self._handled = (self._handled + 1) % 2**32
            if element.tag == c("message"):
                (self.errors if element.get("type") == "error" else self.heard).append((element.get("from"), element.get("id")))
        elif element.tag == f"{{{SM}}}r" and may_answer:
            self._stream.send(f"<a xmlns='{SM}' h='{self._handled}'/>")
        elif element.tag == f"{{{SM}}}a":
            self._take(int(element.get("h")))
        elif element.tag == f"{{{STREAM}}}error":
            self._stream.wire.ended = True

    def ask_for_acknowledgement(self):
        try:
            self._stream.send(f"<r xmlns='{SM}'/>")
        except OSError:
            self.enter()

    def _take(self, handled):
        count = (handled - self._acknowledged) % 2**32
        assert count <= len(self._unacknowledged), f"acknowledged {count} of {len(self._unacknowledged)}"
        for _ in range(count):
            self._unacknowledged.popleft()
        self._acknowledged = handled

    def cut(self):
        self._stream.cut()

    def close(self):
        self._stream.close()
