"""The client's half of SCRAM (RFC 5802, RFC 7677), with every part of the gs2 header in the caller's hand."""

import base64
import hashlib
import hmac
import secrets


def octets_in_both(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


class Scram:
    """flag: "n", "y" or "p=TYPE"; binding: the channel binding's data, with "p" only; authzid: who to act as."""

    def __init__(self, digest, name, password, flag="n", binding=b"", authzid=None):
        self._digest = digest  # as hashlib names it: sha1, sha256, sha512
        self._password = password.encode()
        self._header = f"{flag},{'a=' + self._escaped(authzid) if authzid else ''},".encode()
        self._binding = binding
        self._bare = f"n={self._escaped(name)},r={secrets.token_urlsafe(18)}".encode()
        self._server_signature = None

    @staticmethod
    def _escaped(name):
        return name.replace("=", "=3D").replace(",", "=2C")

    def first(self):
        return self._header + self._bare

    def final(self, challenge):
        fields = dict(field.split("=", 1) for field in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac(self._digest, self._password, base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = b"c=" + base64.b64encode(self._header + self._binding) + b",r=" + fields["r"].encode()
        spoken = b",".join((self._bare, challenge, without_proof))
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._digest, client_key).digest()
        proof = octets_in_both(client_key, self._hmac(stored_key, spoken))
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), spoken)
        return without_proof + b",p=" + base64.b64encode(proof)

    def is_proved(self, success):
        """Whether the server knows the password too."""
        return hmac.compare_digest(success, b"v=" + base64.b64encode(self._server_signature))

    def _hmac(self, key, text):
        return hmac.new(key, text, self._digest).digest()


DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def digest_of(mechanism):
    return DIGESTS[mechanism.removesuffix("-PLUS")]
