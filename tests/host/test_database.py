"""The deployed PostgreSQL: local only, in UTF-8, owned by its role, and closed to everybody else on the host."""

import json
import re
import shlex

import pytest

ROLE = DATABASE = SERVICE_USER = "mattermost"
LOOPBACK = ("127.0.0.1:", "[::1]:")
SECRETS = "/etc/mattermost/secrets"


@pytest.fixture(scope="module")
def sql(host):
    """Run a query as the superuser; returns its lines, fields by ``|``."""

    def run(query, database="postgres"):
        command = f"cd / && runuser -u postgres -- psql -XAtqw -v ON_ERROR_STOP=1 -d {database} -c {shlex.quote(query)}"
        return host.check_output(command).splitlines()

    return run


@pytest.fixture(scope="module")
def port(sql):
    return int(sql("SHOW port")[0])


@pytest.fixture(scope="module")
def rules(sql):
    """The rules of pg_hba.conf in their order, as PostgreSQL reads them."""
    query = (
        "SELECT json_agg(json_build_object('type', type, 'database', database, 'user', user_name, 'address', address, "
        "'method', auth_method, 'error', error) ORDER BY line_number) FROM pg_hba_file_rules"
    )
    return json.loads(sql(query)[0])


def test_postgresql_takes_connections(host, platform, port):
    ready = f"{platform['postgresql']['bin_dir']}/pg_isready"
    assert host.run(f"{ready} -q -h /var/run/postgresql -p {port} -U postgres").rc == 0


def test_postgresql_starts_at_boot(host, platform):
    assert host.service(platform["postgresql"]["enable"]).is_enabled


def test_postgresql_listens_on_the_loopback_only(host, port):
    addresses = [line.split()[3] for line in host.check_output(f"ss -Hltn sport = :{port}").splitlines()]
    assert addresses
    assert [address for address in addresses if not address.startswith(LOOPBACK)] == []


def test_the_database_is_in_utf8(sql):
    assert sql("SHOW server_encoding", DATABASE) == ["UTF8"]


def test_the_database_keeps_what_latin_letters_cannot(sql):
    assert sql("SELECT length('Grüße 👋'), upper('é')", DATABASE) == ["7|É"]


def test_the_role_owns_the_database(sql):
    assert sql(f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{DATABASE}'") == [ROLE]


def test_the_role_may_log_in_and_no_more(sql):
    flags = "rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
    assert sql(f"SELECT {flags} FROM pg_roles WHERE rolname = '{ROLE}'") == ["t|f|f|f|f|f"]


def test_other_roles_have_no_right_to_connect(sql):
    assert sql(f"SELECT has_database_privilege('pg_monitor', '{DATABASE}', 'CONNECT')") == ["f"]


def test_passwords_are_stored_as_scram_verifiers(sql):
    assert sql("SHOW password_encryption") == ["scram-sha-256"]
    stored = sql("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
    assert [text for text in stored if not text.startswith("SCRAM-SHA-256$")] == []


def test_the_rules_have_no_faults(rules):
    assert [rule for rule in rules if rule["error"]] == []


def test_our_rules_come_first(rules):
    assert (rules[0]["database"], rules[0]["user"]) == ([DATABASE], [ROLE])


def test_the_distributions_own_rules_are_still_there(platform, rules):
    who = "all" if platform["repositories"]["kind"] == "yum" else "postgres"
    assert [rule for rule in rules if rule["user"] == [who] and rule["method"] == "peer"]


def test_nobody_is_trusted_without_proof(rules):
    assert [rule for rule in rules if rule["method"] in ("trust", "password", "md5", "ident")] == []


@pytest.fixture
def uses_peer(rules):
    if rules[0]["type"] != "local":
        pytest.skip("this host's server logs in with a password")


def login(host, user, port):
    """Log in to the database over the socket as the account *user*."""
    command = f"cd / && runuser -u {user} -- psql -XAtqw -p {port} -U {ROLE} -d {DATABASE} -c 'SELECT current_user'"
    return host.run(command)


@pytest.mark.usefixtures("uses_peer")
def test_the_service_user_logs_in_over_the_socket(host, port):
    done = login(host, SERVICE_USER, port)
    assert (done.rc, done.stdout.strip()) == (0, ROLE), done.stderr


@pytest.mark.usefixtures("uses_peer")
@pytest.mark.parametrize("user", ["nobody", "postgres", "root"])
def test_another_account_does_not_log_in_over_the_socket(host, port, user):
    done = login(host, user, port)
    assert done.rc == 2
    assert "Peer authentication failed" in done.stderr


@pytest.mark.usefixtures("uses_peer")
def test_there_is_no_password_to_log_in_with(sql):
    assert sql(f"SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = '{ROLE}'") == ["t"]


@pytest.mark.parametrize("password", ["", "mattermost", "postgres"])
def test_a_guessed_password_does_not_log_in(host, port, password):
    command = f"PGPASSWORD={password} psql -XAtqw -h 127.0.0.1 -p {port} -U {ROLE} -d {DATABASE} -c 'SELECT 1'"
    done = host.run(command)
    assert done.rc == 2
    assert re.search("rejects connection|password authentication failed|no password supplied", done.stderr)


@pytest.mark.parametrize("name", ["pg_hba.conf", "pg_ident.conf"])
def test_the_rules_are_read_by_postgres_alone(host, sql, name):
    file = host.file(sql(f"SHOW {name.split('.')[0][3:]}_file")[0])
    assert (file.user, file.mode & 0o007) == ("postgres", 0)


def test_the_data_are_read_by_postgres_alone(host, sql):
    directory = host.file(sql("SHOW data_directory")[0])
    assert (directory.user, directory.mode & 0o077) == ("postgres", 0)


def test_secrets_are_read_by_root_alone(host):
    if not host.file(SECRETS).exists:
        pytest.skip("this host has no secret yet")
    found = host.check_output(f"find {SECRETS} -printf '%U %m %y\\n'").splitlines()
    assert set(found) <= {"0 700 d", "0 600 f"}
