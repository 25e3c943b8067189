"""Makes docs/conformance.md from docs/conformance.tsv: `python3 tests/lint/conformance.py`."""

import collections

import sources

TABLE = "docs/conformance.tsv"
PAGE = "docs/conformance.md"
STATES = {
    "tested": "built, and the tests that are named show it",
    "part": "built in part: the tests show what there is, the remark says what is missing",
    "later": "not built; the remark names the feature area that it belongs to",
    "not-applicable": "nothing that a guard has to do, or deliberately not done; the remark says why",
}
FAMILIES = {
    "STR": "Streams", "TLS": "TLS", "SASL": "Authentication", "BIND": "Resource binding", "JID": "Addresses",
    "STZ": "Stanzas", "IQ": "Requests and answers", "ERR": "Stanza errors", "ROS": "Rosters", "SUB": "Subscriptions",
    "PRE": "Presence", "MSG": "Messages", "XML": "XML", "DNS": "DNS", "NET": "Network", "DBK": "Dialback",
    "SM": "Stream management", "LBL": "Security labels", "EXT": "Extensions", "PKI": "Certificates",
    "IA": "Information assurance", "INT": "Interoperability",
}
HEAD = """# Conformance

Which requirements on an XMPP boundary guard are met, and by which test. Made from `conformance.tsv`; do not edit. A test
checks that every requirement is listed, that every test which is named exists, and that this page is up to date. The rows of
violations, smuggling vectors and limits are in `tests/catalogue.tsv` in the same way.

"""


def rows():
    """(id, what it asks, state, tests, remark) of each row, in order."""
    lines = sources.text(TABLE).splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def tests_of(row):
    return [reference for reference in row[3].split("; ") if reference]


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def shown(reference):
    """`Suite.Name`, or the file's name and the text in it."""
    file, colon, text = reference.partition(": ")
    if not colon:
        return f"`{reference}`"
    return f"{file.rsplit('/', 1)[-1]}: {cell(text.strip('=# '))}"


def page():
    table = rows()
    counts = collections.Counter(row[2] for row in table)
    out = HEAD + "| state | rows | means |\n|---|---|---|\n"
    out += "".join(f"| {state} | {counts[state]} | {meaning} |\n" for state, meaning in STATES.items())
    family = None
    for row in table:
        number, what, state, _, remark = row
        if number.partition("-")[0] != family:
            family = number.partition("-")[0]
            out += f"\n## {FAMILIES[family]}\n\n| id | requirement | state | tests and remarks |\n|---|---|---|---|\n"
        shows = [shown(reference) for reference in tests_of(row)] + ([cell(remark)] if remark else [])
        out += f"| {number} | {cell(what)} | {state} | {'<br>'.join(shows)} |\n"
    return out


if __name__ == "__main__":
    (sources.ROOT / PAGE).write_text(page(), encoding="utf-8")
