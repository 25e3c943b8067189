"""The rows of the budget that are measured here, what each run of one proxy gives for them, and the table."""

import dataclasses
import statistics


@dataclasses.dataclass
class Row:
    name: str
    what: str
    unit: str
    measure: str     # key of a Measurement
    gate: float
    target: float
    moonshot: float
    absolute: bool = False  # the budget is a figure of the guard by itself, not a ratio to the anchor


@dataclasses.dataclass
class Measurement:
    """How the answer of one call of bench_load becomes a figure. `words(size)` are its arguments; without any it is read
    from the answer of another, `of`."""
    figure: callable
    words: callable = None
    of: str = ""
    clients: bool = False  # clients log in, instead of servers
    anchor: str = ""  # take HAProxy's figure from this measurement instead


def _flow(legs, octets, packed=False, clients=False):
    def words(size):
        common = ["packed" if packed else "paced", "--legs", min(legs, size.legs), "--octets", octets,
                  "--warm", size.warm, "--seconds", size.seconds]
        return common if packed else [*common, "--rate", size.rate]
    return Measurement(lambda answer: answer["cpu"] / answer["stanzas"] * 1e6, words, clients=clients)


def _establish(name, clients=False):
    """Opening crossings, and what they cost when they are idle."""
    return {
        name: Measurement(lambda answer: answer["cpu"] / answer["legs"] * 1e6,
                          lambda size: ["establish", "--legs", size.routes, "--warm", size.warm, "--idle", size.idle],
                          clients=clients),
        f"{name}-memory": Measurement(lambda answer: answer["memory"] / answer["legs"] / 1024, of=name),
        f"{name}-idle": Measurement(lambda answer: answer["idle"] * 100, of=name),
    }


MEASUREMENTS = {
    "paced-10-500": _flow(10, 500),
    "paced-100-500": _flow(100, 500),
    "paced-10-200": _flow(10, 200),
    "paced-10-2000": _flow(10, 2000),
    "packed-10-500": _flow(10, 500, packed=True),
    **_establish("establish"),
    "handshake": Measurement(lambda answer: 2 * answer["cpu"] / answer["handshakes"] * 1e6,
                             lambda size: ["handshake", "--legs", 2 * size.routes], anchor="establish"),
    "clients-paced-100-500": _flow(100, 500, clients=True),
    "clients-packed-100-500": _flow(100, 500, packed=True, clients=True),
    **_establish("login", clients=True),
}

ROWS = [
    Row("P1", "paced, 10 legs, 500 B a stanza and record", "us", "paced-10-500", 2.6, 1.8, 1.3),
    Row("P2", "paced, 100 legs, 500 B", "us", "paced-100-500", 2.8, 2.0, 1.4),
    Row("P3", "paced, 10 legs, 200 B", "us", "paced-10-200", 2.4, 1.8, 1.2),
    Row("P3", "paced, 10 legs, 2000 B", "us", "paced-10-2000", 3.0, 2.2, 1.6),
    Row("P4", "16 KB records full of 500 B stanzas, 10 legs", "us", "packed-10-500", 9, 6, 4.5),
    Row("P6", "memory of an idle crossing", "KB", "establish-memory", 1.6, 1.2, 1.0),
    Row("P7", "TLS handshake on both legs", "us", "handshake", 1.15, 1.0, 0.9),
    Row("P8", "S2S establishment, vs HAProxy's two handshakes", "us", "establish", 1.8, 1.5, 1.25),
    Row("P10", "CPU while all crossings are idle", "%", "establish-idle", 2, 0.5, 0.4, absolute=True),
    # The budgets of servers, asked of clients too.
    Row("P2", "clients: paced, 100 sessions, 500 B, both ways", "us", "clients-paced-100-500", 2.8, 2.0, 1.4),
    Row("P4", "clients: 16 KB records, 100 sessions, both ways", "us", "clients-packed-100-500", 9, 6, 4.5),
    Row("P6", "clients: memory of an idle session", "KB", "login-memory", 1.6, 1.2, 1.0),
    Row("P8", "clients: login, vs the same through HAProxy", "us", "login", 1.8, 1.5, 1.25),
    Row("P10", "clients: CPU while all sessions are idle", "%", "login-idle", 2, 0.5, 0.4, absolute=True),
]


def table(figures, notes):
    """figures: {proxy: {measurement: [one a run]}}. Lines to print."""
    lines = [f"{'row':4}{'what':50}{'HAProxy':>10}{'guard':>10}    {'gate':>6}{'target':>8}{'moonshot':>10}{'today':>8}"]
    for row in ROWS:
        anchor = MEASUREMENTS[row.measure].anchor or row.measure
        base = _median(figures["HAProxy"].get(anchor))
        ours = _median(figures["guard"].get(row.measure))
        compared = ours if row.absolute else ours / base if ours and base else None
        met = "" if compared is None else "moonshot" if compared <= row.moonshot else "target" if compared <= row.target else \
            "gate" if compared <= row.gate else "MISSED"
        lines.append(f"{row.name:4}{row.what:50}{_number(base):>7} {row.unit:2}{_number(ours):>7} {row.unit:2}    "
                     f"{row.gate:>6}{row.target:>8}{row.moonshot:>10}{'-' if compared is None else f'{compared:.2f}':>8}  {met}")
    return lines + sorted(set(notes))


def _median(values):
    return statistics.median(values) if values else None


def _number(value):
    return "-" if value is None else f"{value:.1f}"
