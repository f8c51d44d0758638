"""The probe checks the certificate as a browser does: its chain and its name."""

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.probe import Probe, Target

NAME = "chat.example.test"


@pytest.fixture
def certificate(tmp_path):
    """Return a PEM file with a key and a self-signed certificate for NAME."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "site.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_site(site_class, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = site_class(context)
    yield made
    made.end()


def watch(site, name, ca_file, limit=0.5, **options):
    target = Target(name, address="127.0.0.1", port=site.port, ca_file=ca_file)
    with Probe(target, limit=limit, upload_seconds=0.2, timeout=2, **options) as probe:
        probe._thread.join(20)
    return probe.report


def test_the_right_name_and_root_are_good(tls_site, certificate):
    report = watch(tls_site, NAME, str(certificate))
    assert report.lost == []
    assert set(report.answered) == {"new", "kept", "websocket", "upload"}


def test_another_name_is_lost(tls_site, certificate):
    report = watch(tls_site, "other.example.test", str(certificate))
    assert {loss.kind for loss in report.lost} == {"tls"}
    assert not report.answered


def test_an_unknown_root_is_lost(tls_site):
    report = watch(tls_site, NAME, None)
    assert {loss.kind for loss in report.lost} == {"tls"}


@pytest.mark.exhaustive
def test_a_websocket_that_ended_between_two_pings_is_closed_not_reset(tls_site, certificate):
    tls_site.misbehaves = "close-websocket"
    report = watch(tls_site, NAME, str(certificate), limit=2.5, ping_seconds=0.5, upload_path=None)
    assert {(loss.source, loss.kind) for loss in report.lost} == {("websocket", "closed")}
