"""What the lab offers its hosts: names, packages, release archives, mail, certificates."""

import ssl

import pytest
from cryptography import x509

from tests.lab import LabError
from tests.lab.archives import url

ARCHIVE = "mattermost-team-0.0.1-linux-amd64.tar.gz"
CHAT = "chat.example.test"


def fetch(address):
    """A command that downloads *address* with the host's own trust store and prints its size."""
    return f"""python3 -c 'import urllib.request as r; print(len(r.urlopen("{address}", timeout=10).read()))'"""


def test_names_can_be_set_and_taken_away(lab, host):
    lab.names.set("odd.example.test", "192.0.2.7")
    assert host.ssh("getent ahostsv4 odd.example.test").stdout.split()[0] == "192.0.2.7"
    lab.names.set("odd.example.test", None)
    assert host.ssh("getent hosts odd.example.test", check=False).returncode == 2


@pytest.mark.parametrize("name", ["releases.lab.test", "releases.mattermost.com"])
def test_a_host_downloads_an_archive_that_it_trusts(host, lab, name):
    assert host.ssh(fetch(f"https://{name}/0.0.1/{ARCHIVE}")).stdout == "256000\n"


def test_a_fault_of_the_mirror_reaches_the_host(host, lab):
    lab.mirror.fault("status", 503, times=1)
    assert "503" in host.ssh(fetch(url("0.0.1", ARCHIVE)), check=False).stderr
    host.ssh(fetch(url("0.0.1", ARCHIVE)))
    assert [seen["status"] for seen in lab.mirror.requests()[-2:]] == [503, 200]


def test_a_host_trusts_the_lab_only_for_its_services(host, lab):
    """The ACME CA's root is not in a host's trust store, as the mirror's is."""
    bundle = host.ssh("cat /etc/ssl/certs/ca-certificates.crt").stdout
    assert lab.authority.root.read_text().strip() in bundle
    assert lab.acme.root.read_text().strip() not in bundle


def test_mail_is_kept(host, lab):
    host.ssh(
        "python3 -c \"import smtplib; smtplib.SMTP('mail.lab.test').sendmail('a@x', ['b@y'], 'Subject: lab\\r\\n\\r\\nhi')\""
    )
    assert [message["Subject"] for message in lab.mailbox.messages()] == ["lab"]


def certificate(host, authority, challenge_port=80):
    """Issue one by the distribution's certbot and return it. A plain web server answers the challenge."""
    host.ssh("rm -rf /etc/letsencrypt")
    host.ssh("apt-get -qq update && apt-get -qqy install --no-install-recommends certbot", timeout=180)
    host.ssh(
        "mkdir -p /srv/www && systemctl stop www 2>&-; systemd-run --quiet --collect --unit=www "
        f"python3 -m http.server --directory /srv/www {challenge_port}"
    )
    host.ssh(
        f"certbot certonly -n --agree-tos -m a@example.test --webroot -w /srv/www -d {CHAT} --server {authority.url}",
        timeout=120,
    )
    pem = host.ssh(f"cat /etc/letsencrypt/live/{CHAT}/fullchain.pem").stdout
    return x509.load_pem_x509_certificates(pem.encode())


def test_a_certificate_is_issued_by_a_real_challenge(lab, host):
    lab.names.set(CHAT, host.address)
    leaf, intermediate = certificate(host, lab.acme)
    root = x509.load_pem_x509_certificate(lab.acme.root.read_bytes())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days in (89, 90)


def test_no_certificate_without_an_answer_on_port_80(lab, host):
    lab.names.set(CHAT, host.address)
    with pytest.raises(LabError, match="certbot"):
        certificate(host, lab.acme, challenge_port=8080)


def test_the_life_of_certificates_can_be_changed(lab, host):
    lab.names.set(CHAT, host.address)
    with lab.acme.another(valid_days=0.5) as second:
        leaf, _ = certificate(host, second)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 0
    assert ssl.create_default_context(cafile=lab.ca_file).cert_store_stats()["x509_ca"] == 2
