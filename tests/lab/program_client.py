"""Clients of other people's making: each library in a program of its own, which says what it is told to and tells what it hears.

A program reads a stanza a line. It writes a line for each thing that happens: `bound JID` once it is logged in and has its roster,
`stanza XML`, `refused CONDITION` when the server does not let it in, `ended WHY`. A line feed in a stanza is written as `&#10;`.
"""

import pathlib
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

from lab.conversation import CLIENT, Conversation, Silence
from lab.enclaves import C2S_PORT, C2S_TLS_PORT
from lab.guard import RELEASE
from lab.xmpp_client import XML_LANG, Way

PROGRAMS = pathlib.Path(__file__).parent / "clients"


class NotLetIn(AssertionError):
    """The client says that the server refused it."""


class ProgramClient(Conversation):
    """`product`: "slixmpp", "nbxmpp" or "libstrophe". The last chooses the strongest mechanism itself."""

    def __init__(self, product, account, address, trust, resource="lab", way=Way()):
        super().__init__()
        self.product = product
        self.bare = account.bare
        self.domain = account.enclave.domain
        self.name = account.name
        self.jid = f"{self.bare}/{resource}"
        self.answers_pushes = product == "slixmpp"
        self.ended = False
        self.why = None
        self._news = threading.Condition()
        self._told = []
        words = [self.jid, account.password, address, C2S_TLS_PORT if way.direct_tls else C2S_PORT,
                 "direct" if way.direct_tls else "starttls", trust]
        self._child = subprocess.Popen([str(word) for word in self._command(product, words, way)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._threads = [threading.Thread(target=self._listen, daemon=True), threading.Thread(target=self._complaints, daemon=True)]
        self._complaint = []
        for thread in self._threads:
            thread.start()
        self.jid = self._await_bound()

    @staticmethod
    def _command(product, words, way):
        if product == "libstrophe":
            return [RELEASE / "tests" / "lab" / "strophe_client", *words]
        return [sys.executable, PROGRAMS / f"{product}_client.py", *words, way.mechanism]

    def _listen(self):
        for line in self._child.stdout:
            what, _, text = line.rstrip("\n").partition(" ")
            with self._news:
                self._told.append((what, text))
                self._news.notify_all()
        with self._news:
            self._told.append(("ended", "the program ended"))
            self._news.notify_all()

    def _complaints(self):
        self._complaint = self._child.stderr.read().splitlines()

    def _next(self, seconds):
        """The next thing told, or None."""
        with self._news:
            if not self._told:
                self._news.wait(seconds)
            return self._told.pop(0) if self._told else None

    def _await_bound(self, deadline=30):
        until = time.monotonic() + deadline
        while (left := until - time.monotonic()) > 0:
            what, text = self._next(left) or (None, None)
            if what == "bound":
                return text
            if what in ("refused", "ended"):
                self.close()
                raise NotLetIn(f"{self.product}: {text}", *self._complaint[-5:])
        self.close()
        raise Silence(f"{self.product} did not log in within {deadline} s")

    def _read(self, seconds):
        while told := self._next(seconds):
            what, text = told
            if what == "stanza":
                self.inbox.append(self._element(text))
            elif what == "ended":
                self.ended, self.why = True, self.why or text
            seconds = 0
            if not self._told:
                return

    def _element(self, text):
        """libstrophe writes stanzas without the stream's namespace, and xml:lang without its prefix."""
        element = ElementTree.fromstring(f"<stream xmlns='{CLIENT}'>{text}</stream>")[0]
        for each in element.iter():
            if self.product == "libstrophe" and "lang" in each.attrib:
                each.set(XML_LANG, each.attrib.pop("lang"))
        return element

    def send(self, text):
        self._child.stdin.write(text.replace("\n", "&#10;") + "\n")
        self._child.stdin.flush()

    def close(self):
        try:
            self._child.stdin.close()
        except OSError:
            pass
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(10)
        for thread in self._threads:
            thread.join(5)
        for stream in (self._child.stdout, self._child.stderr):
            stream.close()
