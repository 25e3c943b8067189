"""Somebody tries many addresses of people across the boundary, and looks at the octets of every answer and at its time (P-40 to P-43)."""

import os
import random
import re
import time

import pytest

from lab.waiting import until_true
from samples import likelihood

LONG = os.environ.get("SALLYPORT_LONG") == "1"
TRIES = 1000 if LONG else 50
TIMED = 10000 if LONG else 100
AT_ONCE = 250  # requests under way; the guard's place for answers of its own is bounded
LAST = "<query xmlns='jabber:iq:last'/>"
QUESTIONS = [LAST, "<query xmlns='jabber:iq:version'/>", "<vCard xmlns='vcard-temp'/>", "<ping xmlns='urn:xmpp:ping'/>",
             "<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='http://jabber.org/protocol/disco#items'/>",
             "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'/></pubsub>"]
ANSWER = re.compile(rb"<iq [^>]*?id='(try\d+-)'[^>]*?(?:/>|(?<!/)>.*?</iq>)")


class Prober:
    """`own` is its bare address. `classes` are the addresses to try, by what they are; `contact` has let it subscribe.

    Whoever derives from it sends by say(), and keeps what comes as (moment, octets) in `octets`.
    """

    def __init__(self, own):
        self.own = own
        self.chance = random.Random(43)
        self.sent = 0
        self.times = {}
        self.octets = []
        self.people = []
        self._answers = {}
        self._read, self._rest = 0, b""

    def find_people(self, laboratory, enclave, missing=2):
        """Accounts of that enclave's server, which is a real one; gives who will be the contact."""
        accounts = [laboratory.stranger(enclave) for _ in range(7)]
        online, blocking, contact = ([self._login(laboratory, account) for account in some]
                                     for some in (accounts[:2], accounts[2:4], accounts[4:5]))
        for person in blocking:
            answer = person.ask("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{self.own}'/></block>")
            assert answer.get("type") == "result"
        self.classes = {
            "online": [person.bare for person in online],
            "offline": [account.bare for account in accounts[5:]],
            "blocked": [person.bare for person in blocking],
            "missing": [f"nobody{number}@{enclave.domain}" for number in range(missing)],
        }
        self.contact = contact[0].bare
        return contact[0]

    def _login(self, laboratory, account):
        person = laboratory.client(account.enclave, account)
        person.presence()
        person.ask("set", f"<vCard xmlns='vcard-temp'><FN>{account.name}</FN></vCard>")
        self.people.append(person)
        return person

    def ask(self, address, question):
        """Sends a request; gives its id."""
        self.sent += 1
        id = f"try{self.sent}-"
        self.times[id] = time.monotonic()
        self.say(f"<iq from='{self.own}/r' to='{address}' type='get' id='{id}'>{question}</iq>")
        return id

    def answers(self, ids):
        """{id: (octets, seconds that it took)}, when all have come."""
        until_true(lambda: self._read_on() or set(ids) <= set(self._answers), "all answers", 60)
        return {id: self._answers[id] for id in ids}

    def _read_on(self):
        self.listen()
        for moment, octets in self.octets[self._read:]:
            self._read += 1
            self._rest += octets
            end = 0
            for match in ANSWER.finditer(self._rest):
                id, end = match.group(1).decode(), match.end()
                self._answers[id] = (match.group(0), moment - self.times[id])
            self._rest = self._rest[end:]

    def say_more(self, number, bare, address):
        """What else may tell of somebody at that address."""

    def listen(self):
        """Takes what has come, where nothing else does."""

    def close(self):
        for person in self.people:
            person.close()


def try_all(prober, forms=("bare", "resource", "guess")):
    """Each class is tried TRIES times, in mixed order. Gives {class: {octets of an answer, without address and id}}."""
    tries = [(what, number) for what in prober.classes for number in range(TRIES)]
    prober.chance.shuffle(tries)
    asked = {}
    for turn, (what, number) in enumerate(tries):
        if turn % AT_ONCE == 0:
            prober.answers(asked)
        addresses = prober.classes[what]
        bare = addresses[number % len(addresses)]
        form = forms[number // len(addresses) % len(forms)]
        address = {"bare": bare, "resource": f"{bare}/lab", "guess": f"{bare}/guess{number}"}[form]
        question = QUESTIONS[number % len(QUESTIONS)]
        asked[prober.ask(address, question)] = (what, address)
        prober.say(f"<message from='{prober.own}/r' to='{address}' id='m{number}' type='{('chat', 'normal', 'headline')[number % 3]}'>"
                   "<body>anybody?</body></message>")
        prober.say_more(number, bare, address)
    answers = prober.answers(asked)
    heard = {}
    for id, (what, address) in asked.items():
        octets = answers[id][0].replace(address.encode(), b"ADDRESS").replace(id.encode(), b"ID")
        heard.setdefault(what, set()).add(octets)
    return heard


def check_octets(prober):
    heard = try_all(prober)
    assert set(heard) == set(prober.classes)
    distinct = set.union(*heard.values())
    assert len(distinct) == 1, heard
    assert b"service-unavailable" in distinct.pop()
    strangers = {address for addresses in prober.classes.values() for address in addresses}
    assert not [each for each in prober.others() if each[2] in strangers]


def time_all(prober):
    """{what was asked: [seconds until the refusal]} of accounts that the guard answers for, and of one whose server answers."""
    addresses = {what: all_[0] for what, all_ in prober.classes.items()} | {"contact": prober.contact}
    order = [what for what in addresses for _ in range(TIMED)]
    prober.chance.shuffle(order)
    took = {what: [] for what in addresses}
    for start in range(0, len(order), AT_ONCE):
        asked = {}
        for what in order[start:start + AT_ONCE]:
            asked[prober.ask(addresses[what], LAST)] = what
        answers = prober.answers(asked)
        for id, what in asked.items():
            took[what].append(answers[id][1])
    return took


def check_time(prober):
    """Two of the same distribution differ by as much once in twenty times: a second look decides. The short form is less strict."""
    limit = 0.05 if LONG else 0.005
    for attempt in (1, 2):
        took = time_all(prober)
        assert min(min(each) for each in took.values()) >= 0.24
        alike = {what: likelihood(took["missing"], took[what]) for what in took if what != "missing"}
        print(f"{TIMED} of each, as likely as from one distribution with missing: {alike}")
        odd = {what: p for what, p in alike.items() if p <= limit}
        if not odd:
            return
    pytest.fail(f"as likely as that: {odd}")
