"""P-12: how long a client waits for the acknowledgement of a message tells no more of the addressee through the guard than without it.

A client behind the guard and one at home write to accounts of their server, of which some are online, some offline, and some do not
exist. Servers take different times for these; the question is whether the guard adds to the difference.
"""

import itertools
import math
import os
import random
import statistics
import time

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.guard import POLICIES, sanitizer_reports
from lab.laboratory import Laboratory
from lab.resuming_client import ResumingClient
from samples import gap

LONG = os.environ.get("SALLYPORT_LONG") == "1"
TRIES = 1000 if LONG else 200  # of each class, each way
ACCOUNTS = TRIES // 20  # of each class: ejabberd keeps a hundred messages for who is offline, and refuses more
GUARDED, DIRECT = "guarded", "direct"


class Clock:
    """`classes` are the addresses to write to, by what they are; `writers` the clients, by their way to the server."""

    def __init__(self, laboratory, far):
        self.chance = random.Random(12)
        self.number = itertools.count(1)
        online, offline = ([laboratory.stranger(far) for _ in range(ACCOUNTS)] for _ in range(2))
        self.people = [laboratory.client(far, account) for account in online]
        for person in self.people:
            person.presence()
        self.classes = {"online": [account.bare for account in online], "offline": [account.bare for account in offline],
                        "missing": [f"nobody{number}@{far.domain}" for number in range(ACCOUNTS)]}
        whence = {GUARDED: other(far), DIRECT: far}
        self.writers = {way: ResumingClient(lambda near=near: laboratory.client_stream(near, far), laboratory.stranger(far), way).enter()
                        for way, near in whence.items()}
        for writer in self.writers.values():
            self.wait(writer)

    def wait(self, writer):
        writer.ask_for_acknowledgement()
        until = time.monotonic() + 30
        while writer.outstanding:
            assert time.monotonic() < until, "no acknowledgement"
            writer.listen(1.0)

    def take(self, way, address, inside=""):
        """Seconds from a message to its acknowledgement."""
        writer = self.writers[way]
        message = f"<message to='{address}' type='chat' id='m{next(self.number)}'>{inside}<body>anybody?</body></message>"
        began = time.perf_counter()
        writer.say(message)
        self.wait(writer)
        return time.perf_counter() - began

    def take_all(self):
        """{way: {class: seconds}}, in mixed order, so that whatever else goes on meets all alike."""
        order = [(way, what, number) for way in self.writers for what in self.classes for number in range(TRIES)]
        self.chance.shuffle(order)
        took = {way: {what: [] for what in self.classes} for way in self.writers}
        for way, what, number in order:
            took[way][what].append(self.take(way, self.classes[what][number % ACCOUNTS]))
        return took

    def close(self):
        for each in (*self.people, *self.writers.values()):
            each.close()


@pytest.fixture(scope="module", params=[NORTH, SOUTH], ids=lambda far: f"to-{far.name}")
def clock(request):
    with Laboratory(policy=POLICIES / "refusing.toml", strangers=2 * ACCOUNTS + 2) as laboratory:
        clock = Clock(laboratory, request.param)
        yield clock
        clock.close()
        laboratory.guard.stop()
        assert not sanitizer_reports(laboratory.folder)


def gaps(took):
    return {pair: gap(took[pair[0]], took[pair[1]]) for pair in itertools.combinations(took, 2)}


def chance_gap(count):
    """Two samples of one distribution are farther apart than that once in a hundred times."""
    return 1.63 * math.sqrt(2 / count)


def test_P_12_the_guard_adds_little_that_tells_who_is_there(clock):
    """What else the machine does may tell them apart once: a second look decides."""
    for attempt in (1, 2):
        took = clock.take_all()
        for way, of in took.items():
            print(way, {what: f"{statistics.median(times) * 1000:.2f} ms" for what, times in of.items()},
                  {" ".join(pair): round(value, 3) for pair, value in gaps(of).items()})
        # The control: the clock is fine enough to see that there is a guard on the way.
        assert gap(took[GUARDED]["online"], took[DIRECT]["online"]) > chance_gap(TRIES)
        direct = gaps(took[DIRECT])
        more = {pair: value - direct[pair] for pair, value in gaps(took[GUARDED]).items()}
        if max(more.values()) <= 2 * chance_gap(TRIES):
            return
    pytest.fail(f"the guard makes them easier to tell apart: {more}")
