"""A certificate file, read by the real openssl."""

import subprocess
import time

import mattermost_letsencrypt_certificate as certificates
import pytest

NAME = "chat.example.test"


def certificate_files(folder, names=(NAME,), kind="ec", days=90):
    """Write a self-signed certificate and its key to *folder* and return their paths."""
    key, chain = str(folder / "key.pem"), str(folder / "chain.pem")
    algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-newkey", "rsa:2048"]
    alt = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
    command = ["openssl", "req", "-x509", *algorithm, "-nodes", "-keyout", key, "-out", chain, "-subj", "/CN=x"]
    subprocess.run([*command, "-days", str(days), "-addext", alt], check=True, capture_output=True)
    return chain, key


def test_names_dates_and_key_are_read(tmp_path):
    found = certificates.read(certificate_files(tmp_path, names=(NAME, "*.Example.test"))[0])
    assert found.names == (NAME, "*.example.test")
    assert found.key_type == "ecdsa"
    assert found.lifetime == 90 * 86400


def test_an_rsa_key_is_told_from_an_elliptic_one(tmp_path):
    assert certificates.read(certificate_files(tmp_path, kind="rsa")[0]).key_type == "rsa"


def test_a_good_pair_passes(tmp_path):
    chain, key = certificate_files(tmp_path)
    assert certificates.check(chain, key, NAME.upper(), time.time()).names == (NAME,)


@pytest.mark.parametrize(
    ("name", "good"), [("a.example.test", True), ("example.test", False), ("a.b.example.test", False)]
)
def test_a_wildcard_stands_for_one_label(name, good):
    assert certificates.covers(certificates.Certificate(("*.example.test",), 0, 1, "rsa"), name) is good


@pytest.mark.parametrize(
    ("names", "later", "words"),
    [
        (("other.example.test",), 0, "is for other.example.test, not for chat.example.test"),
        ((NAME,), 91 * 86400, "has expired"),
        ((NAME,), -86400, "not valid yet"),
    ],
)
def test_a_useless_certificate_is_refused(tmp_path, names, later, words):
    chain, key = certificate_files(tmp_path, names=names)
    with pytest.raises(certificates.CertificateError, match=words):
        certificates.check(chain, key, NAME, time.time() + later)


def test_a_foreign_key_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(certificates.CertificateError, match="does not belong"):
        certificates.check(
            certificate_files(tmp_path / "a")[0], certificate_files(tmp_path / "b")[1], NAME, time.time()
        )


def test_an_encrypted_key_is_refused_without_a_question(tmp_path):
    chain, key = certificate_files(tmp_path)
    locked = tmp_path / "locked.pem"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked], check=True)
    with pytest.raises(certificates.CertificateError, match="no unencrypted private key"):
        certificates.check(chain, str(locked), NAME, time.time())


def test_something_else_is_no_certificate(tmp_path):
    (tmp_path / "x").write_text("hello")
    with pytest.raises(certificates.CertificateError, match="no certificate"):
        certificates.read(str(tmp_path / "x"))
