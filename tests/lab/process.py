"""A child process whose output is read line by line, so that others can wait for what it says."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time


class Gone(Exception):
    """The process ended, or stayed silent past the deadline, while somebody waited for it."""


class Process:
    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.lines = []
        self._heard = threading.Condition()
        self._ended = False
        self.child = subprocess.Popen([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      env={**os.environ, **(env or {})}, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self.child.pid

    def _read(self):
        with open(self.log, "ab") as sink:
            for raw in self.child.stdout:
                sink.write(raw)
                sink.flush()
                with self._heard:
                    self.lines.append(raw.decode(errors="replace").rstrip())
                    self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def wait_for(self, pattern, deadline=30, since=0):
        """The first line after the `since`th that matches; raises Gone when the process ends or the deadline (seconds) passes."""
        wanted = re.compile(pattern)
        until = time.monotonic() + deadline
        with self._heard:
            seen = since
            while True:
                for line in self.lines[seen:]:
                    if wanted.search(line):
                        return line
                seen = len(self.lines)
                left = until - time.monotonic()
                if self._ended or left <= 0:
                    why = "ended" if self._ended else f"said nothing like it in {deadline} s"
                    tail = "\n".join(self.lines[-30:])
                    raise Gone(f"{self.name}: waited for {pattern!r}, it {why}\n{tail}")
                self._heard.wait(left)

    def alive(self):
        return self.child.poll() is None

    def stop(self, deadline=15):
        """Asks it to end, and ends it after the deadline (seconds). Gives its exit status."""
        if self.alive():
            self._signal(signal.SIGTERM)
        try:
            self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
        self._sweep()
        return self.child.returncode

    def kill(self):
        self._signal(signal.SIGKILL)
        self.child.wait(10)
        self._sweep()

    def _signal(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def _sweep(self):
        """Ends what the process left behind in its session."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._reader.join(5)
