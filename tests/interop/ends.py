"""What ends a subscription between two real servers, and somebody with two resources whose server goes on all the same."""

import os
import signal
import time

from lab.conversation import c
from lab.enclaves import other
from lab.waiting import until_true
from plays import ROSTER, subscribe


def unsubscribed(laboratory, pair):
    pair.desk.presence(pair.watcher.bare, "unsubscribed")
    pair.watcher.expect_presence(sender=pair.desk.bare, type="unsubscribed")


def unsubscribe(laboratory, pair):
    pair.watcher.presence(pair.desk.bare, "unsubscribe")
    pair.desk.expect_presence(sender=pair.watcher.bare, type="unsubscribe")


def remove(person, contact):
    answer = person.ask("set", f"<query xmlns='{ROSTER}'><item jid='{contact}' subscription='remove'/></query>")
    assert answer.get("type") == "result"


def the_watched_removes_the_contact(laboratory, pair):
    remove(pair.desk, pair.watcher.bare)
    pair.watcher.expect_presence(sender=pair.desk.bare, type="unsubscribed")


def the_watcher_removes_the_contact(laboratory, pair):
    remove(pair.watcher, pair.desk.bare)
    pair.desk.expect_presence(sender=pair.watcher.bare, type="unsubscribe")


def the_watched_blocks_and_removes(laboratory, pair):
    """What users are told to do, so that it also works with servers that say nothing when a contact is removed."""
    answer = pair.desk.ask("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{pair.watcher.bare}'/></block>")
    assert answer.get("type") == "result"
    remove(pair.desk, pair.watcher.bare)
    answer = pair.desk.ask("set", f"<unblock xmlns='urn:xmpp:blocking'><item jid='{pair.watcher.bare}'/></unblock>")
    assert answer.get("type") == "result"


def the_operator_revokes(laboratory, pair):
    assert "is closed" in laboratory.guard.ledger("revoke", pair.watcher.bare, pair.desk.bare)


ENDS = [unsubscribed, unsubscribe, the_watched_removes_the_contact, the_watcher_removes_the_contact,
        the_watched_blocks_and_removes, the_operator_revokes]


class Pair:
    """Somebody with two resources, desk and phone, and a watcher across the boundary who sees both.

    home: where the watcher's account is, if its client is not at home.
    """

    def __init__(self, laboratory, side, home=None):
        self.laboratory = laboratory
        self.side = side
        self.account, self.watchers = laboratory.stranger(side), laboratory.stranger(home or other(side))
        self.watcher = laboratory.client(other(side), self.watchers)
        self.desk, self.phone = (laboratory.client(side, self.account, resource) for resource in ("desk", "phone"))
        for person in (self.watcher, self.desk):
            person.presence()
        subscribe(self.watcher, self.desk)
        self.phone.presence()
        for resource in (self.desk, self.phone):
            self.watcher.expect_presence(sender=resource.jid, type=None)

    def told(self):
        """[(resource, type)] of all presence of the watched that has come to the watcher since the last call, subscriptions left out."""
        told = [element for element in self.watcher.inbox if element.tag == c("presence") and
                element.get("type") in (None, "unavailable") and (element.get("from") or "").startswith(self.account.bare + "/")]
        self.watcher.inbox = [element for element in self.watcher.inbox if element not in told]
        return sorted((element.get("from").partition("/")[2], element.get("type")) for element in told)

    def leak_on(self):
        """The watched and its server say where it is in every way there is; a new resource does too; the watcher logs in anew."""
        tablet = self.laboratory.client(self.side, self.account, "tablet")
        attic = self.laboratory.client(other(self.side), self.watchers, "attic")
        attic.presence(inside="<priority>-1</priority>")  # messages go on to the other one
        for resource in (self.desk, self.phone, tablet):
            resource.presence(inside="<show>away</show>")
            for to in (self.watcher.bare, self.watcher.jid):
                resource.presence(to, inside="<status>as ever</status>")
        self.phone.presence(kind="unavailable")
        self.desk.presence(self.watcher.bare, "unavailable")
        for resource in (tablet, self.desk, self.phone):
            self.hears(resource)
        leaked = [element for element in attic.inbox if (element.get("from") or "").startswith(self.account.bare + "/") and
                  element.tag == c("presence")]
        assert not leaked
        tablet.close()
        attic.close()
        self.phone.presence()

    def hears(self, resource):
        """What the resource said before has crossed, or never will: a message that it says now arrives.

        After an outage it may be returned, and is said again.
        """
        def again():
            sent = resource.message(self.watcher.bare, "<body>is this on?</body>")

            def answered():
                """Whether it was the watcher who got it; nothing as long as nobody has heard of it."""
                for person in (self.watcher, resource):
                    person._read(0.02)
                    if any(element.get("id") == sent and element.tag == c("message") for element in person.inbox):
                        return [person is self.watcher]
                return None
            return until_true(answered, "an arrival or a return", 30)[0]
        until_true(again, f"a message from {resource.jid}", 60)


def await_disk():
    """What was shown to whom is on the disk within a second."""
    began = time.monotonic()
    until_true(lambda: time.monotonic() - began > 1.5, "the disk")


def kill(laboratory):
    victim = laboratory.guard.pids()["sallyport-guard"][0]
    os.kill(victim, signal.SIGKILL)
    until_true(lambda: laboratory.guard.pids().get("sallyport-guard", [victim]) != [victim], "another guard", 30)
    laboratory.guard.wait_until_open()
