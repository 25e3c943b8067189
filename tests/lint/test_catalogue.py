"""What became of every row of the catalogues of protocol.md: tests/catalogue.tsv of the tables of violations (5.5), smuggling vectors
(7.4) and limits (8), tests/leaks.tsv of the leaks (6) and of what design.md section 10 says of them.

A row: its number, what it is about, its state, the tests, a remark. State `tested` names tests; `part` names tests and says
what is missing; `no` says why there is none. Tests are separated by "; " and are either Suite.Name of a GoogleTest or
"FILE: text", where the text stands in that file.
"""

import re

import pytest
import sources

ROWS = {
    "tests/catalogue.tsv": [f"V-{n:02}" for n in range(1, 21)] + [f"Z-{n:02}" for n in range(1, 59)] +
                           [f"D-{n:02}" for n in range(1, 35)],
    "tests/leaks.tsv": [f"P-{n:02}" for n in (*range(0, 16), *range(20, 40), *range(40, 45))] +
                       [f"D-{what}" for what in ("ids", "refused", "errors", "gate", "probes", "again", "approval", "watcher",
                                                 "content")],
}
PLAYS = ("tests/interop/leaks.py", "tests/interop/leaks_by_hand.py")
STATES = ("tested", "part", "no")
TEST = re.compile(r"^\s*TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)


@pytest.fixture(params=list(ROWS))
def table(request):
    return request.param


def rows(table):
    lines = sources.text(table).splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def gtests():
    found = set()
    for name in sources.tracked(".cc"):
        if name.startswith("tests/"):
            found.update(f"{suite}.{test}" for suite, test in TEST.findall(sources.text(name)))
    return found


def names_a_test(reference, known):
    file, colon, text = reference.partition(": ")
    if not colon:
        return reference in known
    return file.startswith("tests/") and (sources.ROOT / file).is_file() and text in sources.text(file)


def test_every_row_is_listed_once_and_in_order(table):
    assert [row[0] for row in rows(table)] == ROWS[table]


def test_every_row_is_tested_or_says_why_not(table):
    for row in rows(table):
        assert len(row) == 5, f"{row[0]}: five columns, divided by tabs"
        number, what, state, tests, remark = row
        assert what and state in STATES, number
        assert bool(tests) == (state != "no"), f"{number}: {state}, but tests: '{tests}'"
        assert bool(remark) or state == "tested", f"{number}: {state} without a reason"


def test_every_test_that_is_named_exists(table):
    known = gtests()
    missing = [f"{row[0]}: {reference}" for row in rows(table) for reference in row[3].split("; ")
               if row[3] and not names_a_test(reference, known)]
    assert not missing, "\n".join(missing)


def test_a_test_that_does_not_exist_is_noticed():
    known = gtests()
    assert not names_a_test("Suite.NoSuchTest", known)
    assert not names_a_test("tests/catalogue.tsv: this text " + "does not stand there", known)
    assert not names_a_test("policy/reason.h: Reason", known)


def test_every_play_of_a_leak_stands_in_a_row():
    table = sources.text("tests/leaks.tsv")
    for file in PLAYS:
        names = re.findall(r"^(?:def )?(P_\d\d_\w+)(?:\(| =)", sources.text(file), re.M)
        assert len(names) > 8
        for name in names:
            assert re.search(rf"{re.escape(file)}: (?:def )?{name}\b", table), f"{file}: {name} stands in no row"
