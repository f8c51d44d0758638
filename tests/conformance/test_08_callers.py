"""Row 8, continued: who may sign up, who is calling, and how often."""

import pytest

from tests.conformance.conftest import PASSWORD


def test_the_first_account_is_admin_and_the_second_is_refused(site):
    server = site.up()
    assert server.http.get("config/client?format=old").json["NoAccounts"] == "true"
    first = server.http.post("users", {"email": "a@example.test", "username": "first", "password": PASSWORD})
    assert first.status == 201
    assert set(first.json["roles"].split()) == {"system_admin", "system_user"}
    second = server.http.post("users", {"email": "b@example.test", "username": "second", "password": PASSWORD})
    assert second.status == 403
    assert "no_open_server" in second.id


@pytest.mark.parametrize("setting", ["TEAMSETTINGS_ENABLEUSERCREATION", "EMAILSETTINGS_ENABLESIGNUPWITHEMAIL"])
def test_with_user_creation_off_nobody_can_sign_up_but_the_socket(site, setting):
    server = site.up(**{f"MM_{setting}": "false"})
    body = {"email": "a@example.test", "username": "first", "password": PASSWORD}
    assert server.http.post("users", body).status == 501
    assert server.local.post("users", body).status == 201


def test_a_foreign_domain_is_refused_everywhere(site):
    server = site.up(MM_TEAMSETTINGS_RESTRICTCREATIONTODOMAINS="example.test")
    body = {"email": "a@elsewhere.test", "username": "first", "password": PASSWORD}
    assert server.http.post("users", body).status == 400
    assert server.local.post("users", body).status == 400


def test_rate_limits_answer_429_for_everything(site):
    limits = {"RateLimitSettings.Enable": True, "RateLimitSettings.PerSec": 1, "RateLimitSettings.MaxBurst": 2}
    site.write_config(limits, site.config())
    server = site.up()
    answers = [server.http.call("GET", path) for path in ("/", "/api/v4/system/ping") * 5]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert all("limit exceeded" in answer.text and answer.headers["Retry-After"] for answer in refused)
    assert all("X-Version-Id" not in answer.headers for answer in refused)


def test_rate_limits_go_by_the_trusted_header(site):
    site.write_config(
        {
            "RateLimitSettings.Enable": True,
            "RateLimitSettings.PerSec": 1,
            "RateLimitSettings.MaxBurst": 1,
            "ServiceSettings.TrustedProxyIPHeader": ["X-Real-IP"],
        },
        site.config(),
    )
    server = site.up()

    def statuses(address):
        return [server.http.call("GET", "/", headers={"X-Real-IP": address}).status for _ in range(6)]

    assert 429 in statuses("10.0.0.1")
    assert server.http.call("GET", "/", headers={"X-Real-IP": "10.0.0.2"}).status == 200


@pytest.mark.parametrize(("trusted", "seen"), [([], "127.0.0.1"), (["X-Real-IP"], "10.9.8.7")])
def test_the_callers_address_is_taken_from_the_trusted_header(site, trusted, seen):
    site.set(ServiceSettings__TrustedProxyIPHeader=trusted)
    server = site.up()
    server.local.post("users", {"email": "a@example.test", "username": "admin", "password": PASSWORD})
    body = {"login_id": "admin", "password": PASSWORD}
    assert server.http.api("POST", "users/login", body, {"X-Real-IP": "10.9.8.7"}).status == 200
    admin = server.http.login("admin", PASSWORD)
    logins = [row["ip_address"] for row in admin.get("users/me/audits").json if row["action"].endswith("users/login")]
    assert seen in logins
