"""Builds the project and runs its tests, part by part, and adds up what they count.

Every part ends in numbers: the cases that passed and those that failed. A build that fails is one failed case. The last
line is "N passed, N failed"; the exit status is 1 if anything failed.
"""

import argparse
import os
import sys
import time

import parts
from tally import Tally

SETTINGS = {  # name: (short form, long form); the tests read these from their environment
    "SALLYPORT_SEEDED_INPUTS": ("20000", "1000000"),
    "SALLYPORT_FUZZ_SECONDS": ("8", "600"),
    "SALLYPORT_SOAK_SECONDS": ("0", "600"),
    "SALLYPORT_KILLS": ("4", "200"),
    "SALLYPORT_LONG": ("0", "1"),
}


def main():
    options = argparse.ArgumentParser(prog="./run-tests", description="Builds Sallyport and runs its tests.")
    options.add_argument("--long", action="store_true", help="the long settings: " + ", ".join(
        f"{name}={long}" for name, (_, long) in SETTINGS.items()))
    options.add_argument("--only", action="append", metavar="PART", choices=list(parts.PARTS),
                         help="run only this part (may be repeated): " + ", ".join(parts.PARTS))
    chosen = options.parse_args()
    for name, (short, long) in SETTINGS.items():
        os.environ.setdefault(name, long if chosen.long else short)

    tally = Tally()
    began = time.monotonic()
    for name, run in parts.PARTS.items():
        if chosen.only and name not in chosen.only:
            continue
        tally.begin(name)
        run(tally)
    print(f"\n{'part':<18}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for part in tally.parts:
        print(f"{part.name:<18}{part.passed:>8}{part.failed:>8}{part.seconds():>9.0f}")
    for failure in tally.failures:
        print(f"FAILED {failure}")
    print(f"all of it took {time.monotonic() - began:.0f} s")
    print(f"{tally.passed()} passed, {tally.failed()} failed", flush=True)
    return 1 if tally.failed() or not tally.passed() else 0


if __name__ == "__main__":
    sys.exit(main())
