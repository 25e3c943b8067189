"""What servers do with each gs2 flag of SCRAM (RFC 5802 section 6), found by running them, and what becomes of it behind the guard.

TABLE is about the servers alone, and shows what a guard in between can rely on. docs/operators-guide.md has it for operators.
"""

import ssl

import pytest

from lab.enclaves import NORTH, SOUTH, other
from lab.xmpp_client import SASL, Refused

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
IN = "let in"
UNIQUE, END_POINT, EXPORTER = "p=tls-unique", "p=tls-server-end-point", "p=tls-exporter"
# server's enclave (north is Prosody, south ejabberd), TLS, whether -PLUS is offered, {gs2 flag: outcome}
TABLE = [
    (NORTH, TLS_1_2, True, {"n": IN, "y": "malformed-request", UNIQUE: IN, END_POINT: "malformed-request", EXPORTER: "malformed-request"}),
    (NORTH, TLS_1_3, False, {"n": IN, "y": IN, UNIQUE: "malformed-request", END_POINT: "malformed-request", EXPORTER: "malformed-request"}),
    (SOUTH, TLS_1_2, True, {"n": IN, "y": IN, UNIQUE: IN, END_POINT: "not-authorized", EXPORTER: "not-authorized"}),
    (SOUTH, TLS_1_3, True, {"n": IN, "y": IN, UNIQUE: IN, END_POINT: "not-authorized", EXPORTER: "not-authorized"}),
]
# Behind the guard, whichever TLS the client speaks: the server is met with TLS 1.3, and nothing that binds a login to TLS is offered.
BEHIND_THE_GUARD = {"n": IN, "y": IN, **dict.fromkeys((UNIQUE, END_POINT, EXPORTER), "invalid-mechanism")}
ROWS = [(enclave, version, digest, flag, outcome) for enclave, version, _, outcomes in TABLE for flag, outcome in outcomes.items()
        for digest in ("SCRAM-SHA-1", "SCRAM-SHA-256")]


@pytest.fixture(scope="module")
def laboratory(client_laboratory):
    with client_laboratory(strangers=1) as laboratory:
        yield laboratory


@pytest.fixture(scope="module")
def accounts(laboratory):
    return {enclave: laboratory.stranger(enclave) for enclave in (NORTH, SOUTH)}


def binding_of(stream, flag):
    if flag == UNIQUE:
        return stream.sock.get_channel_binding("tls-unique")
    if flag == END_POINT:
        return stream.end_point()
    return bytes(32) if flag == EXPORTER else b""  # Python's ssl exports no keying material: an honest value is not to be had here


@pytest.mark.parametrize("enclave, version, digest, flag, outcome", ROWS,
                         ids=lambda value: getattr(value, "name", None) or str(value).replace(" ", "-"))
def test_a_server_and_a_flag(laboratory, accounts, enclave, version, digest, flag, outcome):
    stream = laboratory.client_stream(other(enclave), enclave, tls_version=version)
    stream.secure()
    account = accounts[enclave]
    mechanism = f"{digest}-PLUS" if flag.startswith("p=") else digest
    try:
        stream.authenticate(mechanism, account.name, account.password, flag=flag, binding=binding_of(stream, flag))
        found = IN
    except Refused as refused:
        found = refused.conditions[0]
    stream.close()
    assert found == (outcome if laboratory.direct else BEHIND_THE_GUARD[flag])


@pytest.mark.parametrize("enclave, version, offered", [row[:3] for row in TABLE], ids=lambda value: getattr(value, "name", str(value)))
def test_what_a_server_offers(laboratory, enclave, version, offered):
    stream = laboratory.client_stream(other(enclave), enclave, tls_version=version)
    features = stream.secure()
    mechanisms = {mechanism.text for mechanism in features.iter(f"{{{SASL}}}mechanism")}
    # Both or neither: the guard takes -PLUS out, and the list of binding types with it.
    assert any(mechanism.endswith("-PLUS") for mechanism in mechanisms) == (offered and laboratory.direct)
    assert {"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"} <= mechanisms
    assert features.find("{urn:xmpp:sasl-cb:0}sasl-channel-binding") is None
    stream.close()
