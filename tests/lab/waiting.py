"""Waiting for a socket to answer, where no line of output says so."""

import select
import socket
import time


def until_accepting(address, port, deadline=30, process=None):
    """Returns when a TCP connection can be made; raises TimeoutError after the deadline (seconds)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            if probe.connect_ex((address, port)) == 0:
                return
        if process is not None and not process.alive():
            raise TimeoutError(f"{process.name} ended:\n" + "\n".join(process.lines[-30:]))
        select.select([], [], [], 0.02)
    raise TimeoutError(f"nobody accepts at {address} port {port} after {deadline} s")


def until_true(condition, what, deadline=10):
    """Asks again and again, 50 times a second, until the condition holds; raises TimeoutError after the deadline (seconds)."""
    until = time.monotonic() + deadline
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"not within {deadline} s: {what}")
        select.select([], [], [], 0.02)
