"""The certificate over its life: renewed under load, refused by the CA, of another kind, of an earlier host, of the user."""

import base64
import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.lab.shell import wait_until
from tests.probe import Probe, Target
from tests.scenarios.afterwards import noticed, state
from tests.soak import only_some


def served(deployment):
    """Return what openssl says of the certificate that the site serves now."""
    asked = f"openssl s_client -connect 127.0.0.1:443 -servername {deployment.name} </dev/null 2>/dev/null"
    return deployment.ssh(f"{asked} | openssl x509 -noout -serial -issuer -text")


def serial(deployment):
    return served(deployment).splitlines()[0]


def until_served_anew(deployment, before):
    """Wait until another certificate than *before* is served: after a reload nginx's old processes still answer for a moment."""
    wait_until(lambda: serial(deployment) != before, "The serving of another certificate", timeout=60, pause=0.2)


def workers(deployment):
    return deployment.ssh("ps -o pid= --ppid $(systemctl show -p MainPID nginx | cut -d= -f2)").split()


def probe(deployment):
    return Probe(Target(deployment.name, address=deployment.host.address, ca_file=str(deployment.lab.ca_file)))


def test_a_renewal_by_the_timers_unit_is_served_and_loses_nothing(deployed_host):
    before, main = serial(deployed_host), deployed_host.main_pids()
    # Due now: the timer's own unit decides, as it does twice a day.
    conf = f"/etc/letsencrypt/renewal/{deployed_host.name}.conf"
    deployed_host.ssh(f"sed -i 's/^renew_before_expiry.*/renew_before_expiry = 3000 days/' {conf}")
    with probe(deployed_host) as running:
        deployed_host.ssh("systemctl start certbot.service", timeout=120)
    until_served_anew(deployed_host, before)
    assert serial(deployed_host) != before
    assert noticed(running.report) == []
    assert running.report.answered["kept"] > 0
    assert deployed_host.main_pids() == main
    # The next run puts the time of renewal right again, and nothing else.
    run = deployed_host.apply("letsencrypt")
    assert list(run.changes) == ["certificate-is-issued"]
    assert deployed_host.apply("letsencrypt").changes == {}


@pytest.mark.soak("web")
def test_a_renewal_that_nginx_missed_is_taken_by_the_next_run(deployed_host):
    deployed_host.ssh("certbot renew --no-random-sleep-on-renew --force-renewal --no-directory-hooks", timeout=120)
    before = serial(deployed_host)
    run = deployed_host.apply("nginx-ssl")
    assert run.changes == {"nginx-serves-the-site-over-https": {"nginx": "reloaded"}}
    assert serial(deployed_host) != before
    assert deployed_host.apply("nginx-ssl").changes == {}


@pytest.mark.soak("web")
def test_another_kind_of_key_is_another_certificate(deployed_host):
    assert "id-ecPublicKey" in served(deployed_host)
    deployed_host.set(letsencrypt={"key_type": "rsa"})
    run = deployed_host.apply("letsencrypt")
    assert run.rc == 0, run
    assert deployed_host.apply("nginx-ssl").rc == 0
    assert "rsaEncryption" in served(deployed_host)
    assert deployed_host.apply("letsencrypt").changes == {}


@pytest.mark.parametrize("fault", only_some("web", ["down", "refusing"], "refusing"))
def test_an_authority_that_gives_nothing_leaves_the_site_as_it_was(deployed_host, fault):
    before, served_by = serial(deployed_host), workers(deployed_host)
    deployed_host.set(letsencrypt={"key_type": "rsa"})
    if fault == "down":
        deployed_host.set(letsencrypt={"directory_url": "https://acme.lab.test:14999/dir"})
        words = "(unreachable): acme.lab.test:14999: [Errno 111] Connection refused."
    else:
        deployed_host.lab.names.set(deployed_host.name, deployed_host.lab.instance.gateway)
        words = f"(unauthorized): Non-200 status code from HTTP: http://{deployed_host.name}"
    try:
        run = deployed_host.apply("letsencrypt")
    finally:
        deployed_host.lab.names.set(deployed_host.name, deployed_host.host.address)
    assert run.rc != 0
    comment = state(run, "certificate-is-issued")["comment"]
    assert words in comment
    assert comment.endswith("The existing certificate stays in use.")
    assert (serial(deployed_host), workers(deployed_host)) == (before, served_by)


def test_a_challenge_that_the_host_does_not_answer_is_not_put_to_the_authority(deployed_host):
    deployed_host.ssh("rm -r /etc/letsencrypt/live /etc/letsencrypt/renewal; systemctl stop nginx")
    run = deployed_host.apply("letsencrypt")
    assert run.rc != 0
    assert (
        f"No certificate was requested. Run first: salt-ssh {deployed_host.name} state.apply mattermost.deploy.nginx-base"
        in (state(run, "certificate-is-issued")["comment"])
    )


def test_no_mail_address_is_one_sentence(deployed_host):
    deployed_host.set(email="", letsencrypt={"key_type": "rsa"})
    comment = state(deployed_host.apply("letsencrypt"), "certificate-is-issued")["comment"]
    assert comment.startswith("mattermost:email is not set")


OLD_LIFE = """
set -e
rm -rf /tmp/old; mkdir /tmp/old; cp -a /etc/letsencrypt /tmp/old/; cd /tmp/old
conf=letsencrypt/renewal/{name}.conf
sed -i -e 's,/var/www/letsencrypt,/usr/share/nginx/html,; /^key_type/d; /^renew_before/d' \
  -e 's/^authenticator.*/authenticator = webroot\\npre_hook = systemctl stop nginx/' $conf
{more}
tar -C /tmp/old -czf /tmp/letsencrypt.tar.gz letsencrypt
cd /etc/letsencrypt; rm -rf live archive accounts renewal keys csr
"""


@pytest.mark.parametrize("account", only_some("web", ["known", "unknown"], "known"))
def test_the_archive_of_an_earlier_host_is_restored_and_renews(deployed_host, local, account):
    """As the talk did: tar -C /etc -czf letsencrypt.tar.gz letsencrypt, on a host with another webroot."""
    before = serial(deployed_host)
    # An account of which the CA knows nothing, as after years.
    forget = f"for key in letsencrypt/accounts/*/*/*/private_key.json; do echo '{stranger()}' > $key; done"
    more = "" if account == "known" else forget
    deployed_host.ssh(OLD_LIFE.format(name=deployed_host.name, more=more))
    content = subprocess.run(
        deployed_host.host.ssh_command("cat /tmp/letsencrypt.tar.gz"), capture_output=True, check=True
    ).stdout
    deployed_host.set(letsencrypt={"archive": local("letsencrypt.tar.gz", content)})
    run = deployed_host.apply("letsencrypt")
    assert run.rc == 0, run
    restored = state(run, "certificate-of-an-earlier-host-is-restored")
    assert restored["comment"] == "The certificate was restored from salt://mattermost/local/letsencrypt.tar.gz."
    assert "warnings" not in restored, restored
    kept = (
        "kept"
        if deployed_host.ssh("ls -d /etc/letsencrypt/unknown-account-* 2>/dev/null || true") == ""
        else "put aside"
    )
    assert kept == {"known": "kept", "unknown": "put aside"}[account]
    assert deployed_host.apply("letsencrypt").changes == {}
    assert deployed_host.apply("nginx-ssl").rc == 0
    assert serial(deployed_host) == before
    assert deployed_host.ssh("find / -xdev -name letsencrypt.tar.gz -not -path '/tmp/*'") == ""
    deployed_host.ssh("certbot -q renew --no-random-sleep-on-renew --force-renewal", timeout=120)
    until_served_anew(deployed_host, before)
    assert serial(deployed_host) != before


def stranger():
    """Return an account key in certbot's form that no CA has seen."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    numbers = {"n": key.public_numbers.n, "e": key.public_numbers.e, "d": key.d, "p": key.p, "q": key.q}
    numbers |= {"dp": key.dmp1, "dq": key.dmq1, "qi": key.iqmp}

    def text(number):
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")

    return json.dumps({name: text(number) for name, number in numbers.items()} | {"kty": "RSA"})


def own_pair(folder, name, days=30):
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        folder / "k",
        "-out",
        folder / "c",
    ]
    command += ["-days", str(days), "-subj", "/CN=own", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "c").read_bytes(), (folder / "k").read_bytes()


def test_the_users_own_certificate_is_checked_and_then_served(deployed_host, local, tmp_path):
    before = serial(deployed_host)
    chain, key = own_pair(tmp_path, deployed_host.name)
    (tmp_path / "other").mkdir()
    wrong_name, wrong_key = own_pair(tmp_path / "other", "other.example.test")
    urls = {"chain": local("chain.pem", chain), "key": local("key.pem", wrong_key)}
    deployed_host.set(certificate={"source": "files", **urls})
    refused = state(deployed_host.apply("letsencrypt"), "own-certificate-is-in-place")
    assert (refused["result"], refused["comment"]) == (
        False,
        "The private key does not belong to the certificate. Nothing was changed. "
        "Correct the files that mattermost:certificate names.",
    )
    local("chain.pem", wrong_name)
    refused = state(deployed_host.apply("letsencrypt"), "own-certificate-is-in-place")
    assert "is for other.example.test, not for" in refused["comment"]
    assert serial(deployed_host) == before

    local("chain.pem", chain)
    local("key.pem", key)
    assert deployed_host.apply("letsencrypt").rc == 0
    assert deployed_host.apply("nginx-ssl").rc == 0
    assert "CN = own" in served(deployed_host)
    assert deployed_host.apply("letsencrypt").changes == {}
    assert deployed_host.apply("nginx-ssl").changes == {}
    # The key is root's alone, and no second copy of it stayed in Salt's folder.
    assert deployed_host.ssh("stat -c '%a %U' /etc/mattermost/certificate/privkey.pem").strip() == "600 root"
    marker = key.splitlines()[2].decode()
    found = deployed_host.ssh(
        f"grep -rls --exclude-dir=proc --exclude-dir=sys -F '{marker}' /etc /var /tmp /root || true"
    )
    assert found.split() == ["/etc/mattermost/certificate/privkey.pem"]

    # A new pair under the same names is taken by a reload.
    chain, key = own_pair(tmp_path, deployed_host.name, days=40)
    local("chain.pem", chain)
    local("key.pem", key)
    last = serial(deployed_host)
    assert deployed_host.apply("letsencrypt").rc == 0
    assert deployed_host.apply("nginx-ssl").rc == 0
    assert serial(deployed_host) != last


@pytest.mark.soak("web")
def test_a_short_lived_certificate_is_renewed_in_time(lab, bare):
    """An hour of life: renewed at a third of it, though this certbot by itself would renew at every look."""
    with lab.acme.another(valid_days=1 / 24) as authority:
        bare.set(letsencrypt={"directory_url": authority.url})
        for component in ("nginx-base", "letsencrypt"):
            run = bare.apply(component)
            assert run.rc == 0, run
        conf = bare.ssh(f"cat /etc/letsencrypt/renewal/{bare.name}.conf")
        assert "renew_before_expiry = 20 minutes" in conf
        said = bare.ssh("certbot renew --no-random-sleep-on-renew 2>&1", timeout=120)
        assert "not yet due for renewal" in said or "not due for renewal" in said


@pytest.mark.soak("web")
@pytest.mark.soak("web")
def test_what_certbot_hides_is_told(lab, bare):
    """An authority that takes no nonce: certbot says "can't set attribute", its log has the reason."""
    with lab.acme.another(reject_nonces=100) as authority:
        bare.set(letsencrypt={"directory_url": authority.url})
        assert bare.apply("nginx-base").rc == 0
        run = bare.apply("letsencrypt")
        assert run.rc != 0
        assert "(badNonce): " in state(run, "certificate-is-issued")["comment"]
