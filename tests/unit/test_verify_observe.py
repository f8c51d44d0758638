"""The look from outside, over real sockets: each way a site can be wrong is seen, and nothing else turns red."""

import socket
import ssl
import threading

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.verify import additional, checks, http, observe

from tests.unit import fake_site
from tests.unit.verify_facts import FACTS, GRAINS


@pytest.fixture(scope="module")
def issuer():
    return fake_site.certificate("Test CA")


@pytest.fixture
def site(tmp_path, issuer, request):
    """A healthy site; a test's parameters may be changed arguments."""
    made = fake_site.Site(tmp_path, issuer, **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.fixture
def verify(tmp_path, issuer):
    """Look at a site and return the findings by check."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(fake_site.pem(issuer[0]))

    def act(site, inner=(), name=fake_site.NAME, on_disk=None, **more):
        data = mattermost_settings_data.load(["salt"])
        pillar = {"email": "a@example.test", "verify": {"address": "127.0.0.1", "ca_file": str(ca_file)}} | more
        settings = core.merge(data, pillar, {}, GRAINS, name)
        settings["nginx"]["body_limit"] = fake_site.LIMIT
        where = observe.site_of(settings, "ssl")
        where = where._replace(http=site.http.server_port, https=site.https.server_port, timeout=5)
        seen = observe.observe_site(where, fake_site.LIMIT, list(inner), settings["names"][1:])
        facts = FACTS | {"certificates": {"/live/fullchain.pem": fake_site.pem((on_disk or site.leaf)[0])}}
        return {one.check: one for one in checks.run(settings, facts, seen, "ssl")}

    return act


def red(found):
    return [name for name, one in found.items() if one.level == "refusal"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_healthy_site_passes(site, verify):
    found = verify(site, [free_port()])
    assert [one for one in found.values() if one.level != "ok"] == []
    assert "TLSv1.3" in found["tls-protocol"].sentence


@pytest.mark.parametrize(
    ("check", "broken", "words"),
    [
        ("health", {"ping": 500, "health": {"status": "UNHEALTHY", "database_status": "UNHEALTHY", "filestore_status": "OK"}}, "database_status UNHEALTHY"),
        ("version", {"version": "11.7.9"}, "The running version is 11.7.9. Expected: 11.7.10"),
        ("version", {"client": fake_site.CLIENT | {"Version": "11.8.0"}}, "The running version is 11.8.0"),
        ("edition", {"client": fake_site.CLIENT | {"BuildEnterpriseReady": "true"}}, "The Enterprise Edition runs. Expected: the Team Edition."),
        ("site-address", {"client": fake_site.CLIENT | {"SiteURL": "http://chat.example.test"}}, "SiteURL is http://chat.example.test. The address of the site is https://"),
        ("sign-up", {"client": fake_site.CLIENT | {"NoAccounts": "true"}}, "anybody can create the first one"),
        ("page", {"page": 404}, "status 404"),
        ("redirect", {"redirect": 302}, "status 302"),
        ("challenge", {"challenge": 301}, "nginx does not answer /.well-known/acme-challenge/mattermost-verify from the webroot: status 301."),
        ("hsts", {"hsts": "max-age=1"}, "max-age=1. Expected, by mattermost:nginx:hsts_seconds: max-age=63072000"),
        ("websocket", {"no_websocket": True}, "status 400"),
        ("websocket", {"wrong_proof": True}, "is not that of a websocket"),
        ("websocket-origin", {"origin_status": 101}, "accepts a websocket from another site (status 101)"),
        ("upload-limit", {"limit": fake_site.LIMIT - 1}, "The site refuses an upload of 1000 bytes: status 413"),
        ("upload-limit", {"limit": fake_site.LIMIT + 1}, "The site accepts an upload of 1001 bytes"),
    ],
)  # fmt: skip
def test_one_fault_of_the_site_turns_one_check_red(site, verify, check, broken, words):
    for name, value in broken.items():
        assert hasattr(site, name)
        setattr(site, name, value)
    found = verify(site)
    assert red(found) == [check]
    assert words in found[check].sentence
    assert found[check].fix


@pytest.mark.parametrize("value", [["11.7.10"], 5, {"a": "b"}, None, True])
def test_json_of_another_form_is_a_finding_and_no_crash(site, verify, value):
    """A compromised server answers what it wants."""
    site.client = fake_site.CLIENT | {"Version": value, "NoAccounts": value, "SiteURL": value}
    site.health = {"status": value, "database_status": value, "filestore_status": value}
    assert {"health", "site-address"} <= set(red(verify(site)))


def test_another_version_in_the_settings_is_no_reason_to_restart_the_one_that_runs(site, verify):
    """The host went back to it: only the check of what is installed says so."""
    assert red(verify(site, release={"version": "11.7.11", "sha256": "0" * 64})) == ["installed"]
    site.version = "11.7.11"
    site.client = fake_site.CLIENT | {"Version": "11.7.11"}
    assert red(verify(site, release={"version": "11.7.11", "sha256": "0" * 64})) == ["installed"], (
        "only its link is wrong"
    )


def test_a_websocket_that_fails_in_another_way_proves_nothing_about_other_origins(site, verify):
    site.origin_status = 429
    found = verify(site)
    assert red(found) == []
    assert found["websocket-origin"].level == "warning"
    assert (
        "It could not be checked whether a websocket from another site is refused: status 429"
        in found["websocket-origin"].sentence
    )


def both_names(issuer):
    return {"leaf": fake_site.certificate(issuer=issuer, more=[fake_site.SECOND])}


@pytest.mark.parametrize(
    ("broken", "check", "words"),
    [
        ({}, None, ""),
        ({"leads_to": "https://elsewhere.example.test"}, "additional-redirects", "second.example.test is not permanently redirected to https://chat.example.test: status 301"),
        ({"leads_to_plain": "https://second.example.test"}, "additional-redirects", "is not permanently redirected to https://chat.example.test"),
        ({"told": "no"}, "additional-redirects", "second.example.test/api/v4/system/ping must answer with an error that names https://chat.example.test, but the answer was: status 421"),
    ],
)  # fmt: skip
def test_each_additional_name_is_looked_at(tmp_path, issuer, verify, broken, check, words):
    made = fake_site.Site(tmp_path, issuer, **both_names(issuer))
    for name, value in broken.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    try:
        found = verify(made, additional_names=[fake_site.SECOND])
    finally:
        made.close()
    assert red(found) == ([check] if check else [])
    assert words in found["additional-redirects"].sentence
    assert found["additional-names"].level == found["additional-certificates"].level == "ok"


def test_a_certificate_that_lacks_an_additional_name_is_seen(site, verify):
    found = verify(site, additional_names=[fake_site.SECOND])
    assert red(found) == ["additional-certificates"]
    assert "second.example.test" in found["additional-certificates"].sentence
    assert not found["additional-certificates"].sentence.endswith("..")


@pytest.mark.parametrize(
    ("resolved", "words"),
    [([], "cannot resolve"), (["192.0.2.9"], "points to 192.0.2.9, but the site's name points to 192.0.2.7")],
)
def test_an_additional_name_that_leads_elsewhere_is_seen(resolved, words):
    observed = {"resolved": ["192.0.2.7"], "additional": {fake_site.SECOND: {"resolved": resolved}}}
    found = additional.names({"verify": {"address": ""}}, observed, {})
    assert found.level == "refusal"
    assert words in found.sentence
    assert additional.names({"verify": {"address": "192.0.2.7"}}, observed, {}).level == "ok"


def test_closed_sign_up_without_accounts_is_fine(site, verify):
    site.client |= {"NoAccounts": "true", "EnableUserCreation": "false"}
    assert verify(site)["sign-up"].level == "ok"


def test_an_inner_port_that_answers_is_seen(site, verify):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = verify(site, [port])
    assert red(found) == ["closed-ports"]
    assert f"Port {port} can be reached" in found["closed-ports"].sentence


def test_a_site_that_is_down_is_one_fault_and_passes_nothing(site, verify):
    site.close()
    found = verify(site, [free_port()])
    assert red(found) == ["reachable"]
    assert found["page"].level == found["redirect"].level == "skipped"
    assert found["closed-ports"].level == "skipped"


def test_the_server_behind_nginx_being_down_is_one_fault(site, verify):
    site.ping = site.page = 503
    found = verify(site)
    assert red(found) == ["health"]
    assert found["version"].level == found["page"].level == "skipped"


def test_a_certificate_of_a_stranger_is_not_trusted(tmp_path, verify):
    made = fake_site.Site(tmp_path, fake_site.certificate("Another CA"))
    try:
        found = verify(made)
    finally:
        made.close()
    assert red(found) == ["certificate-trust"]


def test_a_certificate_for_another_name_is_not_trusted(tmp_path, issuer, verify):
    made = fake_site.Site(tmp_path, issuer, leaf=fake_site.certificate("other.example.test", issuer))
    try:
        found = verify(made)
    finally:
        made.close()
    assert red(found) == ["certificate-trust"]
    assert "other.example.test" in found["certificate-trust"].sentence or "match" in found["certificate-trust"].sentence


def test_a_certificate_that_is_not_renewed_is_seen(tmp_path, issuer, verify):
    made = fake_site.Site(tmp_path, issuer, leaf=fake_site.certificate(issuer=issuer, days=90, age=85))
    try:
        found = verify(made)
    finally:
        made.close()
    assert red(found) == ["certificate-days"]
    assert "; at least 27 are required." in found["certificate-days"].sentence


@pytest.mark.parametrize(("age", "expected"), [(65, ["certificate-days"]), (61, [])])
def test_a_renewal_is_seen_to_fail_long_before_the_end(tmp_path, issuer, verify, age, expected):
    """Due with 30 days left of 90, given up with less than 27."""
    made = fake_site.Site(tmp_path, issuer, leaf=fake_site.certificate(issuer=issuer, days=90, age=age))
    try:
        found = verify(made)
    finally:
        made.close()
    assert red(found) == expected


def test_a_renewed_certificate_that_is_not_served_is_seen(site, issuer, verify):
    assert red(verify(site, on_disk=fake_site.certificate(issuer=issuer))) == ["certificate-served"]


@pytest.mark.parametrize("site", [{"oldest": ssl.TLSVersion.TLSv1}], indirect=True)
def test_old_tls_is_seen(site, verify):
    found = verify(site)
    assert red(found) == ["tls-protocol"]
    assert "TLSv1.1" in found["tls-protocol"].sentence


def test_a_missing_ca_file_is_named(site):
    where = http.Site(fake_site.NAME, "127.0.0.1", True, "/nowhere/ca.pem", 5, https=site.https.server_port)
    assert (
        http.handshake(where).error == "there is no file /nowhere/ca.pem on the controller (mattermost:verify:ca_file)"
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "Remote end closed connection without response"),
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "IncompleteRead(0 bytes read)"),
    ],
)
def test_a_broken_answer_is_an_error_in_words(raw, words):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server, raw), daemon=True).start()
        where = http.Site(fake_site.NAME, "127.0.0.1", False, "", 5, http=server.getsockname()[1])
        answer = http.request(where, "/")
    assert answer.status == 0
    assert words in answer.error


def test_a_silent_site_ends_in_time_and_an_unknown_name_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for secure in (True, False):
            where = http.Site(fake_site.NAME, "127.0.0.1", secure, "", 0.2, http=port, https=port)
            assert http.request(where, "/").error == "no answer within the time limit"
    assert http.request(where._replace(address="nowhere.invalid"), "/").error == "the name does not resolve"


def _answer_once(server, raw):
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(raw)


@pytest.mark.parametrize(("port", "state"), [(None, "refused")])
def test_a_port_that_nobody_holds_is_refused(port, state):
    assert http.knock("127.0.0.1", port or free_port(), 1) == state
