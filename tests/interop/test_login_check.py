"""A server that refuses clients who know channel binding, when they are not offered any: what the check of logins makes of it (C-04)."""

import pytest

from lab.conversation import Silence
from lab.enclaves import NORTH, SOUTH
from lab.guard import command
from lab.laboratory import Laboratory
from lab.xmpp_client import Refused

LOGIN = """
[[edge.{name}.login]]
domain = "{domain}"
oldest_tls = "1.2"
{probe}
"""
PROBE = """probe = "{account}"
probe_password = "{file}"
"""


def old_laboratory(folder, checked):
    """Prosody speaks TLS 1.2 only, and the edge lets it; with a probe or without."""
    file = folder / "probe-password"
    probe = PROBE.format(account="stranger1", file=file) if checked else ""
    laboratory = Laboratory(south="hand", strangers=2, folder=folder,
                            tables={NORTH: LOGIN.format(name=NORTH.name, domain=NORTH.domain, probe=probe)})
    file.touch(mode=0o600)
    file.write_text(laboratory.stranger(NORTH).password + "\n")
    laboratory.servers[NORTH].tls = ', protocol = "tlsv1_2"'
    return laboratory


def test_without_a_check_clients_that_know_channel_binding_fail_where_the_server_has_tls_1_2_only(tmp_path):
    with old_laboratory(tmp_path, checked=False) as laboratory:
        account = laboratory.stranger(NORTH)
        for flag, expected in (("n", "let in"), ("y", "malformed-request")):
            stream = laboratory.client_stream(SOUTH, NORTH)
            stream.secure()
            found = "let in"
            try:
                stream.authenticate("SCRAM-SHA-1", account.name, account.password, flag=flag)
            except Refused as refused:
                found = refused.conditions[0]
            assert found == expected
            stream.close()


def test_C_04_the_check_lets_nobody_in_there_and_says_what_would_work(tmp_path):
    with old_laboratory(tmp_path, checked=True) as laboratory:
        # The edge may have been there before the server, which it asks again each minute: after a reload at once.
        command("reload", "-c", laboratory.guard.configuration)
        laboratory.guard.process.wait_for('logins .*can.t work and are refused.*oldest_tls = "1.3" may help', 30)
        stream = laboratory.client_stream(SOUTH, NORTH)
        with pytest.raises(Silence):
            stream.secure()
        assert stream.ending() == "remote-connection-failed"
        stream.close()
