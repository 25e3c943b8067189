"""docs/conformance.tsv: what became of every requirement. A row: its id, what it asks in short, its state, the tests, a remark.

States are those of conformance.STATES. Tests are named as in tests/catalogue.tsv.
"""

import conformance
import sources
from test_catalogue import gtests, names_a_test

REQUIREMENTS = {  # family: how many rows it has
    "STR": 34, "TLS": 14, "SASL": 17, "BIND": 7, "JID": 6, "STZ": 24, "IQ": 8, "ERR": 9, "ROS": 11, "SUB": 15, "PRE": 19,
    "MSG": 5, "XML": 12, "DNS": 8, "NET": 9, "DBK": 6, "SM": 6, "LBL": 11, "EXT": 11, "PKI": 8, "IA": 11, "INT": 4,
}


def test_every_requirement_is_listed_once():
    wanted = [f"{family}-{number:02}" for family, count in REQUIREMENTS.items() for number in range(1, count + 1)]
    assert [row[0] for row in conformance.rows()] == wanted


def test_every_requirement_is_tested_or_says_why_not():
    for row in conformance.rows():
        assert len(row) == 5, f"{row[0]}: five columns, divided by tabs"
        number, what, state, tests, remark = row
        assert what and state in conformance.STATES, number
        assert bool(tests) == (state in ("tested", "part")), f"{number}: {state}, but tests: '{tests}'"
        assert bool(remark) or state == "tested", f"{number}: {state} without a remark"


def test_every_test_that_is_named_exists():
    known = gtests()
    missing = [f"{row[0]}: {reference}" for row in conformance.rows() for reference in conformance.tests_of(row)
               if not names_a_test(reference, known)]
    assert not missing, "\n".join(missing)


def test_the_page_is_made_from_the_table():
    assert sources.text(conformance.PAGE) == conformance.page(), "write it anew: python3 tests/lint/conformance.py"
