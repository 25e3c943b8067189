"""What officers and operators do with policies, by their commands, while two real servers talk: sign, reload, and try one out beside the
one in force."""

import pytest

from lab.conversation import c
from lab.enclaves import NORTH, SOUTH
from lab.guard import command
from lab.laboratory import Laboratory
from plays import acquaint, Stage

NO_MESSAGES = ('id = "people"\nfrom = ["north.test"]\nto = ["south.test"]\ndirection = "both"\nstanzas = ["message", "presence", "iq"]',
               'id = "people"\nfrom = ["north.test"]\nto = ["south.test"]\ndirection = "both"\nstanzas = ["presence", "iq"]')


class Officers:
    """Two of them, each with a key; the guard loads what both have signed, and judges a shadow policy."""

    def __init__(self, guard):
        self.guard = guard
        self.keys = [guard.folder / name for name in ("ann.key", "ben.key")]
        self.shadow = guard.folder / "next.bundle"
        self.shadow_policy = guard.folder / "next.toml"
        for key in self.keys:
            command("policy", "key", key)

    def configure(self):
        text = self.guard.configuration.read_text()
        public = ", ".join(f'"{key}.pub"' for key in self.keys)
        self.guard.configuration.write_text(text.replace(
            "[guard]\n", f'[guard]\nofficers = [{public}]\nsignatures = 2\nshadow = "{self.shadow}"\n', 1))

    def compile(self, changed=True):
        text = self.guard.policy.read_text()
        assert NO_MESSAGES[0] in text
        self.guard.policy_file.write_text(text.replace(*NO_MESSAGES) if changed else text)
        command("policy", "compile", self.guard.policy_file, "-o", self.guard.bundle)

    def compile_shadow(self):
        self.shadow_policy.write_text(self.guard.policy.read_text().replace(*NO_MESSAGES))
        command("policy", "compile", self.shadow_policy, "-o", self.shadow)

    def sign(self, bundle, *keys):
        for key in keys or self.keys:
            command("policy", "sign", bundle, "--key", key)

    def signatures(self, bundle):
        return command("policy", "signatures", bundle, *[word for key in self.keys for word in ("--officer", f"{key}.pub")],
                       "--needed", 2, check=False)

    def check(self):
        return command("check", self.guard.configuration, check=False)

    def reload(self):
        return command("reload", "-c", self.guard.configuration, check=False)


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory() as laboratory:
        yield laboratory


def says(near, far, text):
    return near.message(far.jid, f"<body>{text}</body>")


def test_officers_sign_a_policy_and_the_guard_loads_no_other(laboratory):
    guard = laboratory.guard
    officers = Officers(guard)
    guard.stop()
    officers.compile(changed=False)
    officers.compile_shadow()
    officers.configure()
    assert "not signed: there is no" in officers.check().stderr
    officers.sign(guard.bundle, officers.keys[0])
    assert officers.signatures(guard.bundle).returncode == 1
    assert "1 of the officers have signed it, and 2 have to" in officers.check().stderr
    officers.sign(guard.bundle, officers.keys[1])
    officers.sign(officers.shadow)
    assert officers.signatures(guard.bundle).returncode == 0
    guard.launch()

    near, far = laboratory.login(NORTH, "romeo"), laboratory.login(SOUTH, "juliet")
    acquaint(Stage(near, far, SOUTH.rooms, judged=True))
    sent = says(near, far, "signed by both")
    far.expect_message(id=sent)
    loaded = guard.record_where(lambda record: record.get("code") == "policy.loaded" and any(
        name == "signed_by" for name, _ in record["details"]), "who signed")
    assert [name for name, _ in loaded["details"]] == ["bundle", "signed_by", "signed_by"]

    # What the shadow would have refused has crossed, and its record says so.
    record = guard.record_where(lambda record: record.get("id") == sent and record.get("shadow"), "the shadow's word")
    assert (record["verdict"], record["shadow"]) == ("release", "bounce addressing.kind-not-granted people")
    shown = command("audit", "show", guard.audit_folder, "--shadow").stdout
    assert "shadow=bounce addressing.kind-not-granted people" in shown
    counted = dict(line.split(" ", 1) for line in command("status", "-c", guard.configuration).stdout.splitlines())
    assert int(counted["shadow_refused"]) >= 1 and counted["shadow_crosses"] == "0"

    # A new policy that nobody, or one alone, has signed is not loaded.
    officers.compile()
    for signers in ((), officers.keys[:1]):
        if signers:
            officers.sign(guard.bundle, *signers)
        reloaded = officers.reload()
        assert reloaded.returncode == 1 and "nothing was reloaded" in reloaded.stderr, reloaded
        sent = says(near, far, "still the old policy")
        far.expect_message(id=sent)
    officers.sign(guard.bundle, officers.keys[1])
    since = len(guard.records())
    assert officers.reload().returncode == 0
    guard.record_where(lambda record: record.get("code") == "policy.loaded", "the new policy", 20, since)
    sent = says(near, far, "no messages any more")
    answer = near.expect_message(id=sent, type="error")
    assert answer.find(c("error")) is not None
    near.close()
    far.close()
