"""mcabber in a terminal of its own: a person's client, told what to do through its FIFO, read by what it writes to its files."""

import os
import pathlib
import pty
import subprocess
import threading
import time

from lab.conversation import Silence
from lab.enclaves import C2S_PORT, C2S_TLS_PORT
from lab.xmpp_client import Way

SETTINGS = """
set jid = {jid}
set password = {password}
set server = {address}
set port = {port}
set {tls}
set ssl_ca = {trust}
set resource = {resource}
set disable_random_resource = 1
set fifo_name = {home}/fifo
set logging = 1
set logging_dir = {home}/history/
set log_muc_conf = 1
set load_logs = 0
set tracelog_level = 2
set tracelog_file = {home}/trace
set log_display_presence = 1
set beep_on_message = 0
set iq_last_disable = 0
set pinginterval = 0
set carbons = 1
set max_history_blocks = 8
module load fifo
"""


class Mcabber:
    """Knows PLAIN only, of the mechanisms of today."""

    def __init__(self, account, address, trust, folder, resource="lab", way=Way()):
        self.bare = account.bare
        self.jid = f"{account.bare}/{resource}"
        self.home = pathlib.Path(folder) / f"mcabber-{account.name}-{account.enclave.name}"
        (self.home / "history").mkdir(parents=True, mode=0o700)
        self.home.chmod(0o700)
        settings = self.home / "mcabberrc"
        settings.touch(mode=0o600)
        settings.write_text(SETTINGS.format(
            jid=account.bare, password=account.password, address=address, trust=trust, resource=resource, home=self.home,
            port=C2S_TLS_PORT if way.direct_tls else C2S_PORT, tls="ssl = 1" if way.direct_tls else "tls = 1"))
        terminal, self._terminal = pty.openpty()
        self._child = subprocess.Popen(["mcabber", "-f", settings], stdin=terminal, stdout=terminal, stderr=terminal,
                                       env={**os.environ, "TERM": "xterm", "HOME": str(self.home), "LINES": "40", "COLUMNS": "120"})
        os.close(terminal)
        self._screen = threading.Thread(target=self._watch, daemon=True)
        self._screen.start()

    def _watch(self):
        """Whoever does not read a terminal stops the one who writes to it."""
        try:
            while os.read(self._terminal, 65536):
                pass
        except OSError:
            pass

    def do(self, command):
        """A command as one types it, without the slash."""
        fifo = os.open(self.home / "fifo", os.O_WRONLY)
        os.write(fifo, f"{command}\n".encode())
        os.close(fifo)

    def trace(self):
        return self._text(self.home / "trace")

    def history(self, jid):
        """What was said with somebody or in a room: a line each, with `MR` received and `MS` sent."""
        return self._text(self.home / "history" / jid)

    @staticmethod
    def _text(path):
        return path.read_text(errors="replace") if path.exists() else ""

    def until(self, text, read, deadline=15):
        """Waits for a text in what read() gives."""
        until = time.monotonic() + deadline
        while text not in read():
            if time.monotonic() > until or self._child.poll() is not None:
                raise Silence(f"{self.jid} (mcabber) waited for {text!r} in {read()[-1500:]!r}\n{self.trace()[-1500:]}")
            self._screen.join(0.02)

    def enter(self):
        self.until("Connection established", self.trace)
        self.until("Your status has been set", self.trace)
        return self

    def close(self):
        if self._child.poll() is None:
            self.do("quit")
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(5)
        os.close(self._terminal)
        self._screen.join(5)
