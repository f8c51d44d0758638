"""Row 8, continued: TLS in the server itself, where it has the files for it."""

import shutil
import ssl
import urllib.request

import pytest

from tests.conformance import unprivileged


def test_it_is_spoken_with_the_given_certificate(site):
    if not shutil.which("openssl"):
        pytest.skip("NO OPENSSL: cannot make a certificate")
    key, certificate = site.home / "config/key.pem", site.home / "config/cert.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    assert unprivileged.run([*words.split(), "-keyout", key, "-out", certificate]).returncode == 0
    site.set(
        ServiceSettings__ConnectionSecurity="TLS",
        ServiceSettings__TLSCertFile=str(certificate),
        ServiceSettings__TLSKeyFile=str(key),
    )
    site.up()
    context = ssl.create_default_context(cafile=certificate)
    with urllib.request.urlopen(f"https://127.0.0.1:{site.port}/api/v4/system/ping", context=context) as answer:
        assert answer.status == 200
