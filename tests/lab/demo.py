"""The demonstration: two enclaves, the guard between them, what crosses, what is refused, and the record of it.

Started by ./run-demo. Writes for a person: numbered steps, what was sent, what arrived, the guard's verdict.
"""

import argparse
import asyncio
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab.addresses_in_use import occupied  # noqa: E402
from lab.demo_acts import forged, people  # noqa: E402
from lab.demo_report import BOLD, DIM, GREEN, PLAIN, RED, Demo  # noqa: E402
from lab.enclaves import NORTH, SOUTH  # noqa: E402
from lab.guard import POLICIES, command, program  # noqa: E402
from lab.laboratory import ACCOUNTS, Laboratory  # noqa: E402
from lab.waiting import until_true  # noqa: E402

HOME = pathlib.Path(tempfile.gettempdir()) / "sallyport-demo"
WIDTH = 150  # columns of a shown record
HOLDER = HOME / "demo.pid"


def record(demo):
    demo.step("The record: sallyport audit show")
    shown = command("audit", "show", demo.laboratory.guard.audit_folder).stdout.rstrip().splitlines()
    for line in shown[-40:]:
        print("   " + (line if len(line) <= WIDTH else line[:WIDTH - 1] + "\u2026"))
    if len(shown) > 40:
        print(f"   {DIM}(the last 40 of {len(shown)} lines){PLAIN}")
    demo.step("Is the record whole? sallyport audit verify")
    for line in command("audit", "verify", demo.laboratory.guard.audit_folder).stdout.rstrip().splitlines():
        print("   " + line)


def set_up(demo):
    demo.step("Two enclaves on this machine, each with its own DNS view and certificate authority")
    for enclave, server in demo.laboratory.servers.items():
        demo.say(enclave.name, f"{enclave.domain} and {enclave.rooms}: {server.product} at {enclave.server()}; "
                 f"DNS at {enclave.resolver()} says that the other side is at {enclave.guard()}")
    demo.step("The guard between them: sallyport run")
    demo.laboratory.start()
    for name, pids in sorted(demo.laboratory.guard.pids().items()):
        demo.say("running", f"{name} (process {', '.join(map(str, pids))})")
    demo.say("policy", f"{demo.laboratory.guard.policy_file}: default deny, two peerings granted")


def play(laboratory):
    demo = Demo(laboratory)
    set_up(demo)
    asyncio.run(people(demo))
    forged(demo)
    record(demo)
    print(f"\n{BOLD}{GREEN}All as it should be{PLAIN}: what the policy grants crossed, what it does not was refused, all of it is on "
          f"record ({time.monotonic() - demo.began:.0f} s).", flush=True)


def how_to_go_on(laboratory):
    guard = laboratory.guard
    sallyport = program()
    print(f"""
{BOLD}Everything keeps running.{PLAIN} Connect with any XMPP client (trust the authority, or accept the certificate):
   romeo@north.test   password {ACCOUNTS[NORTH]['romeo']}   server {NORTH.server()} port 5222   authority {laboratory.authorities[NORTH].file}
   juliet@south.test  password {ACCOUNTS[SOUTH]['juliet']}    server {SOUTH.server()} port 5222   authority {laboratory.authorities[SOUTH].file}
   nurse@south.test   password {ACCOUNTS[SOUTH]['nurse']}    in the north, through the guard: server {NORTH.guard()} port 5222   authority {laboratory.authorities[NORTH].file}
Watch the verdicts:
   {sallyport} audit show {guard.audit_folder} --follow
Change {guard.policy_file}, then:
   {sallyport} policy check {guard.policy_file}
   {sallyport} policy compile {guard.policy_file} -o {guard.bundle}
   {sallyport} reload -c {guard.configuration}
Verify the log:
   {sallyport} audit verify {guard.audit_folder}
Stop everything:
   ./run-demo --stop""", flush=True)


def stop_holder():
    try:
        pid = int(HOLDER.read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return False
    until_true(lambda: ended(pid), "the end of the demonstration", 60)
    return True


def ended(pid):
    """True also for a process that only waits to be collected by its parent."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def fresh_home():
    if stop_holder():
        print("An earlier demonstration was stopped.")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(mode=0o755)


def run_here():
    busy = occupied()
    if busy:
        print("These addresses are needed and in use: " + ", ".join(busy))
        return 1
    with_end = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    laboratory = Laboratory(policy=POLICIES / "demonstration.toml", folder=HOME)
    try:
        play(laboratory)
        return 0
    finally:
        signal.signal(signal.SIGTERM, with_end)
        laboratory.stop()


def run_and_keep():
    """A child holds the enclaves in a session of its own; this process ends when the play has, the child on SIGTERM."""
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        try:
            verdict = os.read(told, 1)
        except KeyboardInterrupt:
            os.kill(child, signal.SIGTERM)
            raise
        return 0 if verdict == b"y" else 1
    os.setsid()
    os.close(told)
    HOLDER.write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    laboratory = Laboratory(policy=POLICIES / "demonstration.toml", folder=HOME)
    try:
        play(laboratory)
        how_to_go_on(laboratory)
        os.write(tell, b"y")
        os.close(tell)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        signal.pause()
    finally:
        laboratory.stop()
        HOLDER.unlink(missing_ok=True)
    return 0


def main():
    options = argparse.ArgumentParser(prog="./run-demo", description="Shows the guard at work between two real XMPP servers.")
    options.add_argument("--keep", action="store_true", help="leave everything running, and say how to connect and stop")
    options.add_argument("--stop", action="store_true", help="stop what --keep left running")
    chosen = options.parse_args()
    if chosen.stop:
        print("Stopped." if stop_holder() else "Nothing was running.")
        return 0
    fresh_home()
    try:
        return run_and_keep() if chosen.keep else run_here()
    except (AssertionError, TimeoutError) as error:
        print(f"\n{RED}Not as it should be:{PLAIN} {error}\nThe logs are in {HOME}.")
        return 1


if __name__ == "__main__":
    sys.exit(main())
