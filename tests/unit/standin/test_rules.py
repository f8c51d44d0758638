"""The stand-in's smaller rules: versions, callers, limits, passwords, errors, command lines."""

import pytest
from standin import cli, dsn, faults, ids
from standin.limiter import Limiter, client_address
from standin.mmctl import cli as mmctl
from standin.versions import Build

LIMITS = {
    "PerSec": 1,
    "MaxBurst": 2,
    "MemoryStoreSize": 10,
    "VaryByUser": True,
    "VaryByRemoteAddr": True,
    "VaryByHeader": "",
}


@pytest.mark.parametrize(
    ("version", "pings", "postgres"),
    [
        ("7.10.0", 18, 10),
        ("9.7.0", 18, 11),
        ("9.8.0", 5, 11),
        ("10.6.0", 5, 13),
        ("11.7.100", 5, 14),
        ("12.0.1", 5, 15),
    ],
)
def test_numbers_follow_the_version(version, pings, postgres):
    assert (Build(version).database_pings, Build(version).postgres_minimum) == (pings, postgres)


def test_the_build_says_what_it_is(build):
    lines = build.version_lines()
    assert lines[0] == "Version: 11.7.100"
    assert lines[-1] == "Build Enterprise Ready: false"
    assert sum("stand-in" in line for line in lines) == 3


def test_the_caller_is_taken_from_trusted_headers_only():
    headers = {"X-Real-IP": "10.1.1.1", "X-Forwarded-For": "10.2.2.2, 10.3.3.3"}
    assert client_address("127.0.0.1", headers, []) == "127.0.0.1"
    assert client_address("127.0.0.1", headers, ["X-Real-IP"]) == "10.1.1.1"
    assert client_address("127.0.0.1", headers, ["X-Forwarded-For", "X-Real-IP"]) == "10.2.2.2"


def test_a_burst_passes_and_then_time_must():
    limiter = Limiter(LIMITS)
    assert [limiter.refuse_seconds("a", 0) > 0 for _ in range(4)] == [False, False, False, True]
    assert limiter.refuse_seconds("b", 0) == 0
    assert limiter.refuse_seconds("a", 1) == 0


def test_a_users_bucket_wins_over_the_address():
    assert Limiter(LIMITS).bucket("10.1.1.1", "me", {}) == "me"
    assert Limiter(LIMITS).bucket("10.1.1.1", "", {}) == "10.1.1.1"


def test_old_servers_cannot_check_the_new_servers_passwords():
    new, old = ids.hash_password("secret", True), ids.hash_password("secret", False)
    assert ids.check_password("secret", new, True)
    assert ids.check_password("secret", old, True)
    assert not ids.check_password("secret", new, False)
    assert not ids.check_password("wrong", old, False)


def test_the_go_drivers_options_are_kept_from_libpq():
    source = "postgres://u:p@h/d?sslmode=disable&binary_parameters=yes&connect_timeout=10"
    assert dsn.for_libpq(source) == "postgres://u:p@h/d?sslmode=disable&connect_timeout=10"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('server at "::1", port 5432 failed: FATAL:  database "x" does not exist', 'pq: database "x" does not exist'),
        (
            'server at "127.0.0.1", port 1 failed: Connection refused',
            "dial tcp 127.0.0.1:1: connect: connection refused",
        ),
    ],
)
def test_database_errors_are_said_in_the_servers_words(text, said):
    assert dsn.error_text(Exception(text)) == said


def test_fault_switches_are_off_unless_set():
    assert faults.read({}) == faults.Faults()
    assert faults.read({"STANDIN_FAULT_CRASH_AFTER_SECONDS": "2"}).crash_after == 2
    with pytest.raises(ValueError, match="not a number of seconds"):
        faults.read({"STANDIN_FAULT_SLOW_START_SECONDS": "soon"})


def test_the_servers_command_line():
    assert cli.split(["server", "--config", "/c"]) == (["server"], {}, "/c")
    assert cli.split(["db", "migrate", "--dry-run", "-c=/c"]) == (["db", "migrate"], {"dry-run": "true"}, "/c")


def test_mmctls_command_line():
    words, flags = mmctl.split(
        ["--local", "user", "create", "--email", "a@b", "--system-admin", "--url", "a", "--url=b"]
    )
    assert words == ["user", "create"]
    assert flags == {"local": True, "email": "a@b", "system-admin": True, "url": ["a", "b"]}


def test_mmctl_assumes_the_socket_from_10_8_on():
    assert not mmctl.is_local({}, {}, Build("10.7.0"))
    assert mmctl.is_local({}, {}, Build("10.8.0"))
    assert mmctl.is_local({"local": True}, {}, Build("7.10.0"))
