"""Counts of passed and failed cases, part by part, and the running of one command with its output in a log."""

import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"


class Part:
    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.began = time.monotonic()
        self.ended = None

    def seconds(self):
        return (self.ended or time.monotonic()) - self.began


class Tally:
    def __init__(self):
        self.parts = []
        self.failures = []

    def begin(self, name):
        if self.parts:
            self.parts[-1].ended = time.monotonic()
        self.parts.append(Part(name))
        print(f"\n== {name}", flush=True)

    def add(self, what, passed, failed, why=""):
        """Counts cases of the part that was begun last; says so in one line."""
        part = self.parts[-1]
        part.passed += passed
        part.failed += failed
        line = f"{what}: {passed} passed, {failed} failed"
        print("  " + line + (f"  ({why})" if why else ""), flush=True)
        if failed:
            self.failures.append(f"{part.name}: {line}" + (f" ({why})" if why else ""))

    def check(self, what, ok, why=""):
        self.add(what, int(ok), int(not ok), why)
        return ok

    def passed(self):
        return sum(part.passed for part in self.parts)

    def failed(self):
        return sum(part.failed for part in self.parts)


class Outcome:
    def __init__(self, code, log, timed_out):
        self.ok = code == 0 and not timed_out
        self.code = code
        self.log = log
        self.timed_out = timed_out

    def why(self):
        return "deadline passed" if self.timed_out else "" if self.ok else f"exit status {self.code}"

    def show_tail(self, lines=60):
        text = self.log.read_text(errors="replace").splitlines()
        print(f"  --- the last lines of {self.log.relative_to(ROOT)}")
        for line in text[-lines:]:
            print("  | " + line[:400])


def run(name, command, deadline, env=None, show=False):
    """Runs a command in a session of its own, its output in build/logs/NAME.log; ends all of it at the deadline (seconds)."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (name.replace("/", "-") + ".log")
    with open(log, "wb") as sink:
        child = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL,
                                 stdout=sink, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
                                 start_new_session=True)
        timed_out = False
        try:
            code = child.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGTERM)
            try:
                code = child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                code = child.wait()
    outcome = Outcome(code, log, timed_out)
    if show or not outcome.ok:
        outcome.show_tail()
    return outcome
