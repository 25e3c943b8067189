"""What the demonstration says, for a person: numbered steps, what was sent, what arrived, what the guard's log holds of it."""

import sys
import time

BOLD, GREEN, RED, DIM, PLAIN = ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if sys.stdout.isatty() else [""] * 5


class Demo:
    def __init__(self, laboratory):
        self.laboratory = laboratory
        self.steps = 0
        self.began = time.monotonic()

    def step(self, title):
        self.steps += 1
        print(f"\n{BOLD}{self.steps}. {title}{PLAIN}", flush=True)

    def say(self, label, text):
        print(f"   {label:<9} {text}", flush=True)

    def sent(self, text):
        self.say("sent", text)

    def arrived(self, text):
        self.say("arrived", f"{GREEN}{text}{PLAIN}")

    def mark(self):
        """How many lines the audit log has now."""
        return len(self.laboratory.guard.records())

    def verdict(self, since, wanted, what):
        record = self.laboratory.guard.record_where(wanted, what, 20, since)
        verdict = record.get("verdict", "refused")
        colour = GREEN if verdict in ("release", "alter") else RED
        reason = record.get("reason") or record.get("code")
        rule = f", rule {record['rule']}" if record.get("rule") else ""
        self.say("verdict", f"{colour}{verdict}{PLAIN}: {reason}{rule} {DIM}(audit record {record['n']}){PLAIN}")
        if record.get("label_in"):
            after = f", on the other side {record['label_out']}" if record.get("label_out", "") != record["label_in"] else ""
            self.say("label", f"{record['label_in']}{after}{DIM}{why(record)}{PLAIN}")

    def event(self, since, code, *details):
        """What the guard says of a session: an event of the log, and these of its details."""
        record = self.laboratory.guard.record_where(lambda each: each.get("code") == code, code, 20, since)
        told = dict(record["details"])
        self.say("recorded", f"{code}: {', '.join(told[name] for name in details)} {DIM}(audit record {record['n']}){PLAIN}")


def why(record):
    return f" (refused: {record['label_detail']})" if record.get("label_detail") else ""


def of_kind(kind, sender, verdicts=("release", "alter"), **where):
    def wanted(record):
        return (record.get("kind") == kind and record.get("verdict") in verdicts and
                record.get("from", "").split("/")[0] == sender and
                all(record.get(key) == value for key, value in where.items()))
    return wanted
