"""The certificate follows the settings while people use the site: further names, another public name, own files, a new key."""

import contextlib
import copy
import hashlib
import json
import socket
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.probe import Probe, Target
from tests.scenarios.afterwards import noticed
from tests.scenarios.deployment import PUBLIC_NAME, Deployment
from tests.scenarios.findings import findings_of, red

SECOND = "second.example.test"
ADDITIONAL = "/etc/nginx/conf.d/mattermost-additional-names.conf"


@pytest.fixture(scope="module")
def site(lab, releases, deployed_snapshot):
    """A deployed host of this module's own, to which both names lead."""
    with lab.passing("change") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        lab.names.set(SECOND, deployment.host.address)
        deployment.wait_until_healthy()
        yield deployment


@pytest.fixture(autouse=True)
def settings(site):
    """Each test starts from the same settings, and on a host that is deployed with them, whatever the one before came to."""
    found = served(site)
    if not found or names(found) != [PUBLIC_NAME]:
        deploy(site)
    with site.settings_put_back():
        yield


def served(site, name=PUBLIC_NAME):
    """Return the certificate that is served for *name*, chain and name checked; None when the handshake is refused."""
    context = ssl.create_default_context(cafile=str(site.lab.ca_file))
    try:
        with socket.create_connection((site.host.address, 443), 10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as secure:
                return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
    except ssl.SSLError:
        return None


def names(certificate):
    return sorted(
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    )


def key(certificate):
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()


def get(site, name, path="/api/v4/config/client?format=old", scheme="https"):
    port = {"https": 443, "http": 80}[scheme]
    command = [
        "curl",
        "-sS",
        "--max-time",
        "15",
        "--cacert",
        str(site.lab.ca_file),
        "-w",
        "\n%{http_code} %{redirect_url}",
    ]
    command += ["--resolve", f"{name}:{port}:{site.host.address}", f"{scheme}://{name}{path}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


def assert_redirects(site, name, public):
    """Assert that *name* sends people to the *public* one, and tells it to programs."""
    for scheme in ("http", "https"):
        assert get(site, name, "/team?x=1", scheme).endswith(f"301 https://{public}/team?x=1")
        answer, _, status = get(site, name, scheme=scheme).rpartition("\n")
        assert status.strip() == "421"
        assert (
            json.loads(answer)["message"]
            == f"This is not the address of the chat server. Use https://{public} instead."
        )


def probing(site, name=PUBLIC_NAME):
    return Probe(Target(name, address=site.host.address, ca_file=str(site.lab.ca_file)))


@contextlib.contextmanager
def in_use(site, name=PUBLIC_NAME):
    """Somebody uses the site under *name* meanwhile and notices nothing."""
    with probing(site, name) as probe:
        yield
    assert noticed(probe.report) == []
    assert probe.report.answered["new"] > 0
    assert probe.report.answered["websocket"] > 0


def deploy(site, name="mattermost.ssl"):
    run = site.orchestrate(name)
    assert run.rc == 0, run
    return run


def renewals(site):
    return sorted(site.ssh("ls /etc/letsencrypt/renewal").split())


def test_names_are_added_and_dropped(site):
    before = served(site).serial_number
    site.set(additional_names=[SECOND])
    with in_use(site):
        deploy(site)
    assert names(served(site)) == sorted([PUBLIC_NAME, SECOND])
    assert served(site).serial_number != before
    assert served(site, SECOND) == served(site)
    assert_redirects(site, SECOND, PUBLIC_NAME)
    assert deploy(site).changes == {}
    site.ssh(f"sed -i s,https://{PUBLIC_NAME},https://elsewhere.example.test, {ADDITIONAL} && systemctl reload nginx")
    assert red(findings_of(site, "mattermost.verify")) == {"additional-redirects"}
    deploy(site)
    renewed = site.ssh("certbot renew --no-random-sleep-on-renew --force-renewal 2>&1", timeout=120)
    assert "all renewals succeeded" in renewed.lower(), renewed
    assert names(served(site)) == sorted([PUBLIC_NAME, SECOND])

    site.set(additional_names=[])
    with in_use(site):
        deploy(site)
    assert names(served(site)) == [PUBLIC_NAME]
    assert served(site, SECOND) is None
    assert renewals(site) == [f"{PUBLIC_NAME}.conf"]


@pytest.mark.soak("web")
def test_another_public_name_is_served_and_the_old_ones_certificate_is_renewed_no_more(site):
    before = served(site).serial_number
    site.set(name=SECOND, additional_names=[PUBLIC_NAME])
    with probing(site) as probe:
        deploy(site)
    # The server takes a new address of its own only by a restart: a second of its page of a pause, nothing else.
    losses = noticed(probe.report)
    assert {loss.kind for loss in losses} <= {"status", "reconnect", "closed"}, losses
    assert all(
        any(code in loss.detail for code in ("503", "301", "421")) for loss in losses if loss.kind == "status"
    ), losses
    assert_redirects(site, PUBLIC_NAME, SECOND)
    assert names(served(site, SECOND)) == sorted([PUBLIC_NAME, SECOND])
    assert served(site) == served(site, SECOND)
    assert f'"SiteURL":"https://{SECOND}"' in get(site, SECOND)
    assert renewals(site) == [f"{SECOND}.conf", f"{PUBLIC_NAME}.conf.kept"]
    assert PUBLIC_NAME not in site.ssh("certbot certificates 2>/dev/null | grep 'Certificate Name'")
    assert deploy(site).changes == {}

    site.set(additional_names=[])
    with in_use(site, SECOND):
        deploy(site)
    assert served(site) is None

    # And back: the certificate of then is still good.
    site.set(name="")
    deploy(site)
    assert served(site).serial_number == before
    assert served(site, SECOND) is None
    assert renewals(site) == [f"{SECOND}.conf.kept", f"{PUBLIC_NAME}.conf"]
    assert f'"SiteURL":"https://{PUBLIC_NAME}"' in get(site, PUBLIC_NAME)
    assert deploy(site).changes == {}


def test_a_name_that_the_authority_refuses_leaves_the_site_as_it_was(site):
    before = served(site)
    site.lab.names.set("third.example.test", site.lab.instance.gateway)
    site.set(additional_names=["third.example.test"])
    with in_use(site):
        run = site.orchestrate()
    assert run.rc != 0
    assert "third.example.test" in run.comments
    assert "The existing certificate stays in use." in run.comments
    assert served(site) == before


@pytest.fixture
def own_pair(site, local):
    """A pair of files of the user's, signed by an authority that people trust; returns the settings that name it."""
    chain, private = site.lab.authority.issue("own", [PUBLIC_NAME])
    return {
        "chain": local("changed-chain.pem", chain.read_bytes()),
        "key": local("changed-key.pem", private.read_bytes()),
    }


@pytest.mark.soak("web")
def test_from_the_authority_to_own_files_and_back(site, own_pair):
    before = served(site).serial_number
    kept = copy.deepcopy(site.settings)
    site.set(certificate={"source": "files", **own_pair})
    with in_use(site):
        deploy(site)
    assert "Lab root" in served(site).issuer.rfc4514_string()
    assert f"{PUBLIC_NAME}.conf" not in renewals(site)
    assert deploy(site).changes == {}
    run = site.orchestrate("mattermost.renew")
    assert run.rc != 0
    assert "the certificate is your own" in run.comments
    site.set(additional_names=[SECOND])
    run = site.orchestrate()
    assert run.rc != 0
    assert f"not for {SECOND}" in run.comments

    site.settings = kept
    site.write()
    with in_use(site):
        deploy(site)
    assert served(site).serial_number == before
    assert f"{PUBLIC_NAME}.conf" in renewals(site)
    assert deploy(site).changes == {}


@pytest.mark.soak("web")
def test_a_new_key_on_demand(site):
    before = served(site)
    dry = site.orchestrate("mattermost.renew", "test=True")
    assert dry.rc == 0, dry
    assert "a new key was requested" in str(dry.stages["letsencrypt"]["changes"])
    assert served(site) == before
    with in_use(site):
        deploy(site, "mattermost.renew")
    assert key(served(site)) != key(before)
    assert names(served(site)) == names(before)
    assert deploy(site).changes == {}
