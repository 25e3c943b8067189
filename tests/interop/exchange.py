"""Two clients of one server that say numbered messages to each other, some of which the guard refuses.

`roamer` is away from home, behind the guard; `friend` is at home. Both are lab.resuming_client.ResumingClients.
"""

import collections
import time

REFUSED = 5  # one in so many has a subject, and is refused
MOST_BEHIND = 200  # servers keep some hundreds of stanzas for a session that may be resumed, and give it up beyond that


def is_refused(number):
    return number % REFUSED == 2


class Exchange:
    def __init__(self, roamer, friend, count, patience):
        self.roamer = roamer
        self.friend = friend
        self.count = count
        self.patience = patience
        self.said = 0  # by each

    def run(self, disturbances):
        """Both say `count` messages, with a disturbance (a callable) after each of the numbers that have one."""
        until = time.monotonic() + self.patience
        while not self.is_done():
            if self.said < self.count and self.behind() < MOST_BEHIND:
                self.roamer.say(self._message("up", self.friend.account.bare + "/home"))
                self.friend.say(self._message("down", self.roamer.account.bare + "/away"))
                disturb = disturbances.get(self.said)
                self.said += 1
                if disturb:
                    disturb()
            elif self.roamer.outstanding:
                self.roamer.ask_for_acknowledgement()
            self.roamer.listen(0.0 if self.said < self.count else 0.05)
            self.friend.listen(0.0)
            assert time.monotonic() < until, self.state()

    def _message(self, way, to):
        subject = "<subject>refused</subject>" if is_refused(self.said) else ""
        return (f"<message to='{to}' type='chat' id='{way}{self.said}'>{subject}<body>{self.said}</body></message>")

    def is_done(self):
        return self.said == self.count and not self.roamer.outstanding and not any(self.missing().values())

    def behind(self):
        """How much of what was said to the roamer has neither arrived nor come back."""
        said = self.said - self.said // REFUSED
        return said - len(self.roamer.heard) - len(self.friend.errors)

    def missing(self):
        """What has not arrived, or has not come back, by its way."""
        heard, returned = self.roamer_heard(), set(self.roamer_errors())
        at_home, undelivered = set(ids(self.friend.heard)), set(ids(self.friend.errors))
        return {
            "up": [id for id in self.passing("up") if id not in at_home],
            "down": [id for id in self.passing("down") if id not in heard and id not in undelivered],
            "bounces": [id for id in self.refused("up") if id not in returned],
        }

    def roamer_heard(self):
        return collections.Counter(id for id in ids(self.roamer.heard) if id.startswith("down"))

    def roamer_errors(self):
        return ids(self.roamer.errors)

    def passing(self, way):
        return [f"{way}{number}" for number in range(self.said) if not is_refused(number)]

    def refused(self, way):
        return [f"{way}{number}" for number in range(self.said) if is_refused(number)]

    def state(self):
        return {way: (len(ids), ids[:5]) for way, ids in self.missing().items()} | {
            "outstanding": self.roamer.outstanding, "resumptions": self.roamer.resumptions, "sessions": self.roamer.sessions}

    def assert_each_came_once_and_in_order(self, sent_down=None):
        """`sent_down`: as the server has sent them, where that may be another order than they were said in."""
        assert ids(self.friend.heard) == self.passing("up")
        heard = [id for id in ids(self.roamer.heard) if id.startswith("down")]
        assert sorted(heard, key=lambda id: int(id.removeprefix("down"))) == self.passing("down")
        assert heard == (sent_down or self.passing("down"))
        assert self.roamer_errors() == self.refused("up")
        assert not self.friend.errors


def ids(messages):
    return [id for _, id in messages]


def as_sent(way, records):
    """The ids of what has crossed that way, in the order in which it came to the guard; of what came again, the last time counts."""
    order = {}
    for record in records:
        if record["record"] == "stanza" and record["verdict"] in ("release", "alter") and (record.get("id") or "").startswith(way):
            order.pop(record["id"], None)
            order[record["id"]] = True
    return list(order)


def refusals(records):
    """{id: how many records say that it was refused}."""
    return collections.Counter(record["id"] for record in records
                               if record["record"] == "stanza" and record["verdict"] in ("bounce", "drop") and record.get("id"))
