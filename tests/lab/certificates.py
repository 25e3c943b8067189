"""Certificate authorities: the enclaves' own, kept by `sallyport certs` as an operator keeps them, and hand-made ones. EC P-256."""

import datetime
import pathlib
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")  # RFC 6120 13.7.1.4
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")  # RFC 4985


def _der_string(tag, text):
    octets = text.encode()
    assert len(octets) < 128
    return bytes([tag, len(octets)]) + octets


def names_of(domain, kinds=("dns", "srv", "xmpp")):
    """subjectAltName entries that speak for a domain."""
    entries = []
    if "dns" in kinds:
        entries.append(x509.DNSName(domain))
    if "srv" in kinds:
        entries.append(x509.OtherName(SRV_NAME, _der_string(0x16, f"_xmpp-server.{domain}")))
        entries.append(x509.OtherName(SRV_NAME, _der_string(0x16, f"_xmpp-client.{domain}")))
    if "xmpp" in kinds:
        entries.append(x509.OtherName(XMPP_ADDR, _der_string(0x0C, domain)))
    return entries


class Certificate:
    def __init__(self, certificate, key):
        self.certificate = certificate  # PEM file, with its chain
        self.key = key  # PEM file


class Authority:
    """A hand-made CA, with its files in a folder. It signs whatever it is asked to."""

    def __init__(self, name, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA")])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = self.folder / "ca.pem"
        now = datetime.datetime.utcnow()
        self._certificate = (
            x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name)
            .public_key(self._key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256()))
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self.revoked = self.folder / "crl.pem"
        self.revoke()

    def revoke(self, *certificates):
        """Writes the revocation list, with these certificates on it."""
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self._name)
                   .last_update(now - datetime.timedelta(minutes=1)).next_update(now + datetime.timedelta(days=7))
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
                   .add_extension(x509.CRLNumber(1), critical=False))
        for certificate in certificates:
            serial = x509.load_pem_x509_certificate(certificate.certificate.read_bytes()).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
        self.revoked.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, label, domains, kinds=("dns", "srv", "xmpp"), common_name=None, valid_from=-1, valid_to=24):
        """A certificate for domains; valid_from and valid_to are hours from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or label)])
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(hours=valid_from))
            .not_valid_after(now + datetime.timedelta(hours=valid_to))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                           critical=False)
            .add_extension(self._key_identifier(), critical=False))
        entries = [entry for domain in domains for entry in names_of(domain, kinds)]
        if entries:
            builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        chain = self.folder / f"{label}.pem"
        secret = self.folder / f"{label}.key"
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.touch(mode=0o600)
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))
        return Certificate(chain, secret)

    def _key_identifier(self):
        own = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


class EnclaveAuthority(Authority):
    """The CA of an enclave: `sallyport certs` makes it, and what servers and faces show. Odd certificates are made by hand with its key."""

    def __init__(self, name, folder, sallyport):
        self.folder = pathlib.Path(folder)
        self._sallyport = sallyport
        self._certs("init", "--name", f"{name} CA")
        self.file = self.folder / "authority.pem"
        self.revoked = self.folder / "authority.crl"
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        self._name = self._certificate.subject
        self._key = serialization.load_pem_private_key((self.folder / "authority.key").read_bytes(), None)

    def issue_properly(self, domains, xmpp_addr=True):
        """One certificate for domains, as the operator's guide has it."""
        first, *others = domains
        words = [word for domain in others for word in ("--also", domain)] + ([] if xmpp_addr else ["--no-xmpp-addr"])
        self._certs("issue", first, *words)
        return Certificate(self.folder / f"{first}.pem", self.folder / f"{first}.key")

    def _certs(self, subcommand, *words):
        subprocess.run([self._sallyport, "certs", subcommand, "-d", self.folder, *words], check=True, stdout=subprocess.DEVNULL, timeout=60)
