"""The states of a contact as RFC 6121 Appendix A has them: what a server keeps, routes and answers on its own.

Written state by state from the tables of the RFC, so that it shares nothing with the guard, which thinks in pairs.
"""

NONE, OUT, IN, OUT_IN = "None", "None + Pending Out", "None + Pending In", "None + Pending Out+In"
TO, TO_IN, FROM, FROM_OUT, BOTH = "To", "To + Pending In", "From", "From + Pending Out", "Both"

SENT = {  # A.2: what the user sends changes the state so; else it stays
    "subscribe": {NONE: OUT, IN: OUT_IN, FROM: FROM_OUT},
    "unsubscribe": {OUT: NONE, OUT_IN: IN, TO: NONE, TO_IN: IN, FROM_OUT: FROM, BOTH: FROM},
    "subscribed": {IN: FROM, OUT_IN: FROM_OUT, TO_IN: BOTH},
    "unsubscribed": {IN: NONE, OUT_IN: OUT, TO_IN: TO, FROM: NONE, FROM_OUT: OUT, BOTH: TO},
}
ALWAYS_ROUTED = ("subscribe", "unsubscribe")  # the others only where they change something
RECEIVED = {  # A.3: what arrives from the contact
    "subscribe": {NONE: IN, OUT: OUT_IN, TO: TO_IN},
    "unsubscribe": {IN: NONE, OUT_IN: OUT, TO_IN: TO, FROM: NONE, FROM_OUT: OUT, BOTH: TO},
    "subscribed": {OUT: TO, OUT_IN: TO_IN, FROM_OUT: BOTH},
    "unsubscribed": {OUT: NONE, OUT_IN: IN, TO: NONE, TO_IN: IN, FROM_OUT: FROM, BOTH: FROM},
}


class Roster:
    """One user's contact."""

    def __init__(self):
        self.state = NONE

    def shows_user(self):
        """The contact sees the user."""
        return self.state in (FROM, FROM_OUT, BOTH)

    def send(self, word):
        """Whether the user's server routes it."""
        changes = SENT[word]
        routed = word in ALWAYS_ROUTED or self.state in changes
        self.state = changes.get(self.state, self.state)
        return routed

    def receive(self, word):
        """What the user's server answers on its own, or nothing."""
        granted = word == "subscribe" and self.shows_user()
        self.state = RECEIVED[word].get(self.state, self.state)
        return "subscribed" if granted else None

    def remove(self):
        """RFC 6121 2.5.2: what the server sends when the user removes the contact."""
        words = [word for word, states in (("unsubscribe", (OUT, OUT_IN, TO, TO_IN, FROM_OUT, BOTH)),
                                           ("unsubscribed", (IN, OUT_IN, TO_IN, FROM, FROM_OUT, BOTH))) if self.state in states]
        self.state = NONE
        return words
