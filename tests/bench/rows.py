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


@dataclasses.dataclass
class Measurement:
    """One call of bench_load and how its answer becomes a figure. `words(full)` are its arguments."""
    words: callable
    figure: callable
    near: str = ""   # another address than the proxy's usual one
    anchor: str = ""  # take HAProxy's figure from this measurement instead


def _flow(legs, octets, packed=False):
    def words(size):
        common = ["packed" if packed else "paced", "--legs", min(legs, size.legs), "--octets", octets,
                  "--warm", size.warm, "--seconds", size.seconds]
        return common if packed else [*common, "--rate", size.rate]
    return Measurement(words, lambda answer: answer["cpu"] / answer["stanzas"] * 1e6)


MEASUREMENTS = {
    "paced-10-500": _flow(10, 500),
    "paced-100-500": _flow(100, 500),
    "paced-10-200": _flow(10, 200),
    "paced-10-2000": _flow(10, 2000),
    "packed-10-500": _flow(10, 500, packed=True),
    "establish": Measurement(lambda size: ["establish", "--legs", size.routes, "--idle", size.idle],
                             lambda answer: answer["cpu"] / answer["legs"] * 1e6),
    "memory": Measurement(None, lambda answer: answer["memory"] / answer["legs"] / 1024),
    "handshake": Measurement(lambda size: ["handshake", "--legs", 2 * size.routes],
                             lambda answer: 2 * answer["cpu"] / answer["handshakes"] * 1e6, anchor="establish"),
}

ROWS = [
    Row("P1", "paced, 10 legs, 500 B a stanza and record", "us", "paced-10-500", 2.6, 1.8, 1.3),
    Row("P2", "paced, 100 legs, 500 B", "us", "paced-100-500", 2.8, 2.0, 1.4),
    Row("P3", "paced, 10 legs, 200 B", "us", "paced-10-200", 2.4, 1.8, 1.2),
    Row("P3", "paced, 10 legs, 2000 B", "us", "paced-10-2000", 3.0, 2.2, 1.6),
    Row("P4", "16 KB records full of 500 B stanzas, 10 legs", "us", "packed-10-500", 9, 6, 4.5),
    Row("P6", "memory of an idle crossing", "KB", "memory", 1.6, 1.2, 1.0),
    Row("P7", "TLS handshake on both legs", "us", "handshake", 1.15, 1.0, 0.9),
    Row("P8", "S2S establishment, vs HAProxy's two handshakes", "us", "establish", 1.8, 1.5, 1.25),
]


def table(figures, notes):
    """figures: {proxy: {measurement: [one a run]}}. Lines to print."""
    lines = [f"{'row':4}{'what':48}{'HAProxy':>10}{'guard':>10}    {'gate':>6}{'target':>8}{'moonshot':>10}{'today':>8}"]
    for row in ROWS:
        anchor = MEASUREMENTS[row.measure].anchor or row.measure
        base = _median(figures["HAProxy"].get(anchor))
        ours = _median(figures["guard"].get(row.measure))
        ratio = ours / base if ours and base else None
        met = "" if ratio is None else "moonshot" if ratio <= row.moonshot else "target" if ratio <= row.target else \
            "gate" if ratio <= row.gate else "MISSED"
        lines.append(f"{row.name:4}{row.what:48}{_number(base):>7} {row.unit}{_number(ours):>7} {row.unit}    "
                     f"{row.gate:>6}{row.target:>8}{row.moonshot:>10}{'-' if ratio is None else f'{ratio:.2f}':>8}  {met}")
    return lines + sorted(set(notes))


def _median(values):
    return statistics.median(values) if values else None


def _number(value):
    return "-" if value is None else f"{value:.1f}"
