"""Addresses, domains, certificates and programs of the benchmark."""

import os
import pathlib

from lab.certificates import Authority

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUARD_NEAR, GUARD_NEAR_TLS = "127.0.50.10:5269", "127.0.50.10:5270"
GUARD_CLIENTS = "127.0.50.10:5222"
GUARD_FAR = "127.0.50.20:5269"
HAPROXY, HAPROXY_CLIENTS = "127.0.50.40:5269", "127.0.50.40:5222"
SINK = "127.0.50.30:5269"
SPIF = ROOT / "tests/policy/label/data/policies/acme-spif.xml"
DOMAINS = 50  # on each side; as many as there are certificates


def near_domain(index):
    return f"n{index:03}.north.test"


def far_domain(index):
    return f"s{index:03}.south.test"


def build_folder():
    """Where the programs are: SALLYPORT_BUILD, or the release build."""
    return pathlib.Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build" / "release")).resolve()


def load_program():
    return build_folder() / "tests/bench/bench_load"


def make_certificates(folder):
    """north/ and south/, each with ca.pem, and NAME.pem (certificate and key) for every domain of both sides."""
    for side in ("north", "south"):
        authority = Authority(side, folder / side)
        for index in range(DOMAINS):
            for domain in (near_domain(index), far_domain(index)):
                made = authority.issue(domain, [domain])
                with open(made.certificate, "ab") as both:
                    both.write(pathlib.Path(made.key).read_bytes())
                os.chmod(made.certificate, 0o600)
