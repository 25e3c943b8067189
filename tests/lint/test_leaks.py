"""tests/leaks.tsv: what became of every entry of the leak catalogue (protocol.md section 6) and of what design.md section 10 says of it.

Its columns are those of tests/catalogue.tsv. Besides, every play of the catalogue stands in some row.
"""

import re

import sources
from test_catalogue import STATES, gtests, names_a_test

ROWS = ([f"P-{number:02}" for number in (*range(0, 16), *range(20, 40), *range(40, 45))] +
        [f"D-{what}" for what in ("ids", "refused", "errors", "gate", "probes", "again", "approval", "watcher", "content")])
PLAYS = ("tests/interop/leaks.py", "tests/interop/leaks_by_hand.py")


def rows():
    lines = sources.text("tests/leaks.tsv").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def test_every_entry_is_listed_once_and_in_order():
    assert [row[0] for row in rows()] == ROWS


def test_every_entry_is_tested_or_says_why_not():
    for row in rows():
        assert len(row) == 5, f"{row[0]}: five columns, divided by tabs"
        number, what, state, tests, remark = row
        assert what and state in STATES, number
        assert bool(tests) == (state != "no"), f"{number}: {state}, but tests: '{tests}'"
        assert bool(remark) or state == "tested", f"{number}: {state} without a reason"


def test_every_test_that_is_named_exists():
    known = gtests()
    missing = [f"{row[0]}: {reference}" for row in rows() for reference in row[3].split("; ")
               if row[3] and not names_a_test(reference, known)]
    assert not missing, "\n".join(missing)


def test_every_play_stands_in_a_row():
    table = sources.text("tests/leaks.tsv")
    for file in PLAYS:
        names = re.findall(r"^(?:def )?(P_\d\d_\w+)(?:\(| =)", sources.text(file), re.M)
        assert len(names) > 8
        for name in names:
            assert re.search(rf"{re.escape(file)}: (?:def )?{name}\b", table), f"{file}: {name} stands in no row"
