"""SUB-14: people of two hand-made servers do anything at any time, the servers leak besides, streams break, and the guard is killed.

The servers keep rosters as RFC 6121 Appendix A says. Whatever happens, no presence crosses a closed pair.
"""

import os
import random
import signal
import time

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICY, sanitizer_reports
from lab.laboratory import Laboratory
from lab.s2s_peer import s
from lab.waiting import until_true
from rosters import SENT, Roster

LONG = os.environ.get("SALLYPORT_LONG") == "1"
STEPS = 100_000 if LONG else 600
KILLS = 40 if LONG else 2
COUPLES = 6
PLENTY = "connections_per_address = 1000\nattempts_per_minute = 100000\n"


class Couple:
    """Two people, one on each side; of each his roster's word about the other, and which of his resources the other sees."""

    def __init__(self, number):
        self.jids = {enclave: f"walker{number}@{enclave.domain}" for enclave in (NORTH, SOUTH)}
        self.rosters = {enclave: Roster() for enclave in (NORTH, SOUTH)}
        self.seen = {NORTH: {}, SOUTH: {}}  # of the person of that side: full JID, and when it was shown


class Walk:
    def __init__(self, laboratory, seed):
        self.laboratory = laboratory
        self.chance = random.Random(seed)
        self.couples = [Couple(number) for number in range(COUPLES)]
        self.everybody = {jid: couple for couple in self.couples for jid in couple.jids.values()}
        self.listeners = laboratory.listeners
        self.read = {enclave: 0 for enclave in (NORTH, SOUTH)}
        self.peers = {}
        self.marks = 0
        self.crossed = self.blocked = 0
        self.last_kill = 0.0

    def peer(self, side):
        if side not in self.peers:
            self.peers[side] = self.laboratory.dialler(side).establish()
        return self.peers[side]

    def news(self, side):
        """What has come to that side since the last call, the guard's own stanzas taken in."""
        come = self.listeners[side].stanzas[self.read[side]:]
        self.read[side] += len(come)
        for stanza in come:
            self.take(side, stanza)
        return come

    def take(self, side, stanza):
        """Every stanza that arrives anywhere, whoever made it."""
        if stanza.tag != s("presence"):
            return
        sender = stanza.get("from")
        far = other(side)
        couple = self.everybody[sender.split("/")[0]]
        kind = stanza.get("type")
        if kind is None:
            assert couple.rosters[far].shows_user(), f"presence of {sender} has crossed a closed pair"
            couple.seen[far][sender] = time.monotonic()
        elif kind == "unavailable":
            # What was shown just before the guard was killed may be taken back a second time, and no earlier.
            assert couple.seen[far].pop(sender, None) is not None or time.monotonic() - self.last_kill < 5, f"{sender} was not shown"
        elif kind == "probe":
            assert couple.rosters[side].shows_user(), f"{sender} asks for presence, and is not subscribed"

    def say(self, side, couple, kind, resource=None):
        """Sends presence; whether it has arrived."""
        far = other(side)
        sender = couple.jids[side] + (f"/{resource}" if resource else "")
        attribute = f" type='{kind}'" if kind else ""
        self.marks += 1
        mark = f"mark{self.marks}"
        self.peer(side).send(f"<presence from='{sender}' to='{couple.jids[far]}'{attribute}/>"
                             f"<message from='mark@{side.domain}/m' to='mark@{far.domain}' id='{mark}'><body>.</body></message>")
        arrived = []

        def marked():
            arrived.extend(self.news(far))
            return any(each.get("id") == mark for each in arrived)
        until_true(marked, f"the mark after {kind} of {sender}", 60)
        self.news(side)
        return any(each.tag == s("presence") and each.get("from") == sender and each.get("type") == kind for each in arrived)

    def word(self, side, couple, word):
        if self.say(side, couple, word):
            answer = couple.rosters[other(side)].receive(word)
            if answer and self.say(other(side), couple, answer):
                couple.rosters[side].receive(answer)

    def show(self, side, couple):
        kind = self.chance.choice([None, None, "unavailable"])
        arrived = self.say(side, couple, kind, f"r{self.chance.randrange(3)}")
        if kind is None:
            self.crossed += arrived
            self.blocked += not arrived
            both = couple.rosters[side].shows_user() and couple.rosters[other(side)].state in ("To", "To + Pending In", "Both")
            assert arrived or not both, "both servers have the subscription, and presence does not cross"

    def step(self):
        side, couple, what = self.chance.choice((NORTH, SOUTH)), self.chance.choice(self.couples), self.chance.randrange(100)
        if what < 40:
            word = self.chance.choice(list(SENT))
            # Who is asked approves more often than not, or hardly any pair would ever be open.
            if "Pending In" in couple.rosters[side].state and self.chance.random() < 0.7:
                word = "subscribed"
            if couple.rosters[side].send(word):
                self.word(side, couple, word)
        elif what < 42:
            for word in couple.rosters[side].remove():
                self.word(side, couple, word)
        elif what < 43:
            watched, watcher = couple.jids[side], couple.jids[other(side)]
            self.laboratory.guard.ledger("revoke", watcher, watched)
            couple.rosters[side].send("unsubscribed")  # the operator knows why
        elif what < 45:
            self.peer(side).close()  # in the middle of its stream
            del self.peers[side]
        elif what < 47:
            # Others come in their place; what they had stays as it is.
            newcomers = Couple(len(self.everybody))
            self.couples[self.couples.index(couple)] = newcomers
            self.everybody.update({jid: newcomers for jid in newcomers.jids.values()})
        else:
            self.show(side, couple)

    def kill(self):
        """In the middle of it: the last word has arrived, and whatever follows from it is yet to come."""
        victim = self.laboratory.guard.pids()["sallyport-guard"][0]
        os.kill(victim, signal.SIGKILL)
        self.last_kill = time.monotonic()
        until_true(lambda: self.laboratory.guard.pids().get("sallyport-guard", [victim]) != [victim], "another guard", 60)  # the pause before the next grows to 30 s
        self.laboratory.guard.wait_until_open()
        for peer in self.peers.values():
            peer.close()
        self.peers.clear()
        self.last_kill = time.monotonic()

    def finish(self):
        """Whoever may see nothing any more has been told so for all that he saw, but for what was shown just before a kill."""
        def told():
            for side in (NORTH, SOUTH):
                self.news(side)
            return not [jid for couple in set(self.everybody.values()) for side in couple.seen if not couple.rosters[side].shows_user()
                        for jid, at in couple.seen[side].items() if not self.kills_after(at)]
        until_true(told, "the last word about all that was shown", 30)

    def kills_after(self, at):
        return any(0 <= kill - at < 1.5 for kill in self.kills)

    def run(self):
        self.kills = []
        due = sorted(self.chance.sample(range(STEPS), KILLS))
        for number in range(STEPS):
            self.step()
            if number in due:
                self.kills.append(time.monotonic())
                self.kill()
        self.finish()


def test_SUB_14_no_presence_crosses_a_closed_pair_whatever_happens(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.read_text().replace("presence_interval = 2", "presence_interval = 0"))
    with Laboratory("hand", "hand", limits=PLENTY, lanes=2, policy=policy) as laboratory:
        walk = Walk(laboratory, 20261129)
        walk.run()
        print(f"{STEPS} steps, {KILLS} kills: {walk.crossed} presences crossed, {walk.blocked} did not")
        assert walk.crossed > STEPS // 40 and walk.blocked > STEPS // 40, (walk.crossed, walk.blocked)
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)
        verified = laboratory.guard.verify()
        assert verified.returncode == 0, verified.stdout + verified.stderr
