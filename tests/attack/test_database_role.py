"""The server's database role is hostile: nothing that it makes in its database runs as PostgreSQL's superuser. With a real cluster."""

import contextlib
import glob
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_plan as plan
import mattermost_remove_database as removal
import pytest

from tests import doc_commands, programs, repository
from tests.soak import in_check

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin"))[-1:]
ACCOUNTS = {"mattermost-sql": "nobody", "mattermost": "daemon"}  # of a deployed host -> who plays the part
MISSING = [each for each in ("postgres", *ACCOUNTS.values()) if each not in {user.pw_name for user in pwd.getpwall()}]
pytestmark = pytest.mark.skipif(
    not BIN or bool(MISSING), reason=f"NO POSTGRESQL HERE: {BIN or 'no programs'}, no accounts {MISSING}"
)

TABLES = """
CREATE TABLE users (id text, deleteat bigint DEFAULT 0); CREATE TABLE channels (id text);
CREATE TABLE bots (userid text);
CREATE TABLE posts (id text, createat bigint, deleteat bigint DEFAULT 0, type text DEFAULT 'x', userid text, channelid text, message text DEFAULT ''); CREATE TABLE fileinfo (id text, path text, deleteat bigint DEFAULT 0);
CREATE TABLE db_migrations (version bigint, name text); INSERT INTO db_migrations VALUES (7, 'seventh');
INSERT INTO posts VALUES ('a', 1), ('b', 2); INSERT INTO users VALUES ('u', 0);
"""
EVIL = """
CREATE FUNCTION public.evil() RETURNS bigint LANGUAGE plpgsql AS $f$
BEGIN
  BEGIN RESET ROLE; EXCEPTION WHEN others THEN NULL; END;
  BEGIN COPY (SELECT current_user) TO PROGRAM 'cat >{place}/proof'; EXCEPTION WHEN others THEN NULL; END;
  RETURN 1;
END $f$;
"""
# what fits a call of ours better than PostgreSQL's own
FUNCTION = (
    """CREATE FUNCTION public.hashtextextended(text, integer) RETURNS bigint LANGUAGE sql AS 'SELECT public.evil()';"""
)
CHECK = "CREATE TABLE trap (n int CHECK (public.evil() = n)); INSERT INTO trap VALUES (1);"
VIEW = """ALTER TABLE posts RENAME TO genuine; CREATE VIEW posts AS SELECT id, createat + 0 * public.evil() AS createat FROM genuine;"""


class Cluster:
    """A throwaway cluster with the server's database and the lines of mattermost.deploy.database in its files."""

    def __init__(self, place: Path):
        self.place, self.bin = place, BIN[0]
        place.chmod(0o777)

    def make(self):
        self.do(
            "postgres",
            f"{self.bin}/initdb",
            "-D",
            f"{self.place}/data",
            "-U",
            "postgres",
            "-A",
            "peer",
            "-N",
            "-E",
            "UTF8",
        )

    def copy(self, other):
        """Have what *other* has, which is stopped."""
        self.do("postgres", "cp", "-a", f"{other.place}/data", f"{self.place}/data")

    def admit(self, auth: str):
        for name, lines in (
            ("hba", files.hba_lines(auth, "mattermost", "mattermost", ACCOUNTS["mattermost"])),
            ("ident", files.ident_lines(auth, "mattermost", ACCOUNTS["mattermost"])),
        ):
            path = self.place / f"data/pg_{name}.conf"
            played = [line.replace(" mattermost-sql ", f" {ACCOUNTS['mattermost-sql']} ") for line in lines]
            path.write_text(files.with_block(path.read_text(), played))

    def start(self):
        self.do("postgres", "sh", "-c", self.start_command())

    def start_command(self):
        options = f"-k {self.place} -p 5432 -c listen_addresses="
        return f"{self.bin}/pg_ctl -D {self.place}/data start -w -l {self.place}/log -o '{options}'"

    def ctl(self, *words):
        self.do("postgres", f"{self.bin}/pg_ctl", "-D", f"{self.place}/data", *words)

    def do(self, account, *command, text="", check=True):
        done = subprocess.run(
            ["runuser", "-u", account, "--", *command], cwd="/", input=text, capture_output=True, text=True, timeout=60
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def sql(self, text, account="postgres", role="postgres", database="mattermost", check=True):
        command = (
            f"{self.bin}/psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.place),
            "-U",
            role,
            "-d",
            database,
        )
        return self.do(account, *command, text=text, check=check)

    def plant(self, *texts):
        """As the role, which owns its database."""
        text = "".join(texts).replace("{place}", str(self.place))
        self.sql(text, ACCOUNTS["mattermost-sql"], "mattermost")

    def run(self, program, lines, **more):
        """Do *lines* with the functions of a host program."""
        functions = programs.joined(program).partition("# ---- the command")[0]
        players = "".join(f'{name}) shift 2; set -- -u {player} "$@" ;; ' for name, player in ACCOUNTS.items())
        values = {
            "psql": f"{self.bin}/psql", "bin_dir": self.bin, "socket_dir": self.place, "database_port": 5432, "role": "mattermost",
            "database": "mattermost", "own": self.place / "own", "staging": self.place / "own/staging", "scratch": self.place / "own",
            "report": self.place / "own/report", "state": self.place / "own/state", "compression": 0, **more,
        }  # fmt: skip
        (self.place / "own/staging").mkdir(parents=True, exist_ok=True)
        text = "\n".join([functions, f'runuser() {{ case $2 in {players}esac; command runuser "$@"; }}'])
        text += "\n" + "\n".join(f"{name}='{value}'" for name, value in values.items()) + "\n" + lines
        return subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=120)

    def proof(self):
        """What ran with a superuser's rights left this; it is taken away."""
        path = self.place / "proof"
        there = path.exists()
        path.unlink(missing_ok=True)
        return there


@contextlib.contextmanager
def at_a_place():
    """Yield a cluster that has only its folder; whatever it became is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="role-", dir="/tmp"))
    os.chmod(place, 0o777)
    made = Cluster(place)
    try:
        yield made
    finally:
        if (place / "data/postmaster.pid").exists():
            made.ctl("stop", "-m", "immediate")
        shutil.rmtree(place)


@pytest.fixture(scope="session")
def template():
    """What each cluster begins as; to make one takes longer than most tests."""
    with at_a_place() as made:
        made.make()
        made.admit("peer")
        made.start()
        made.sql("CREATE ROLE mattermost LOGIN; CREATE DATABASE mattermost OWNER mattermost", database="postgres")
        made.sql("ALTER SCHEMA public OWNER TO mattermost")
        made.plant(TABLES)
        made.ctl("stop", "-m", "fast")
        yield made


@pytest.fixture(params=["peer"])
def cluster(request, template):
    with at_a_place() as made:
        made.copy(template)
        made.admit(request.param)
        made.start()
        made.plant(EVIL)
        yield made


COUNT = "SELECT coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM users t;"


def test_a_function_in_place_of_postgresqls_gets_no_more_than_the_role(cluster):
    cluster.plant(FUNCTION)
    cluster.sql(COUNT)
    assert cluster.proof(), "the control: a superuser's session runs it"
    done = cluster.run("mattermost-backup", "refuse_unreadable; dump_database; cat $staging/census")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "posts 2 2" in done.stdout.splitlines(), "it did not count by the role's function, so this shows nothing"
    assert not cluster.proof()


def test_a_check_that_takes_another_role_runs_as_the_role_when_the_dump_is_restored(cluster):
    cluster.plant(CHECK)
    assert cluster.run("mattermost-backup", "dump_database").returncode == 0
    dump = cluster.place / "own/staging/database.dump"
    cluster.sql("CREATE DATABASE control OWNER mattermost", database="postgres")
    with dump.open() as file:
        command = [
            f"{cluster.bin}/pg_restore",
            "--no-owner",
            "--role=mattermost",
            "-1",
            "-h",
            str(cluster.place),
            "-d",
            "control",
        ]
        subprocess.run(["runuser", "-u", "postgres", "--", *command], stdin=file, check=True, cwd="/")
    assert cluster.proof(), "the control: --role is no boundary"
    lines = 'compare_files() { :; }; in_manifest() { sed -n "s/^$1 //p" "$staging/census"; }; restore_database mattermost_drill'
    done = cluster.run("mattermost-restore", lines, dump=dump)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cluster.sql("SELECT n FROM trap", database="mattermost_drill").stdout == "1\n"
    assert not cluster.proof()


@pytest.mark.exhaustive
def test_a_setting_of_the_role_keeps_nobody_from_a_restore(cluster):
    cluster.plant("ALTER ROLE mattermost SET default_transaction_read_only = on; ")
    assert cluster.run("mattermost-backup", "dump_database").returncode == 0
    lines = 'compare_files() { :; }; in_manifest() { sed -n "s/^$1 //p" "$staging/census"; }; restore_database mattermost_drill'
    done = cluster.run("mattermost-restore", lines, dump=cluster.place / "own/staging/database.dump")
    assert done.returncode == 0, done.stderr


# a line of the census that is a program for sed, and runs a command
COMMAND = "=//;1eid>{place}/owned;#"
COUNTED_OTHERWISE = """
CREATE FUNCTION public.one_more(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION public.as_told(bigint) RETURNS text LANGUAGE sql AS
  $$ SELECT $1::text || CASE current_database() WHEN 'mattermost' THEN '' ELSE E' 0\\n{command}' END $$;
CREATE AGGREGATE public.count(*) (sfunc = public.one_more, stype = bigint, initcond = '0', finalfunc = public.as_told);
ALTER ROLE mattermost SET search_path = public, pg_catalog;
"""
NAMED_SO = "INSERT INTO posts VALUES (E'q\\n{command}', 99, 0, '', 'u', 'c', 'm');"


@pytest.mark.parametrize("planted", [COUNTED_OTHERWISE, NAMED_SO], ids=["function", "message"])
def test_what_is_counted_in_a_restored_database_is_no_command(cluster, planted):
    """The function passes the backup, since it counts rightly there; a backup with such a message can be made by who may write the repository."""
    cluster.plant(planted.replace("{command}", COMMAND.replace("{place}", str(cluster.place))))
    cluster.run("mattermost-backup", "refuse_odd_census() { :; }; dump_database")
    manifest = 'manifest=$scratch/manifest; sed "s/ /=/" "$staging/census" >"$manifest"'
    done = cluster.run(
        "mattermost-restore",
        f"compare_files() {{ :; }}; {manifest}; restore_database mattermost_drill",
        dump=cluster.place / "own/staging/database.dump",
    )
    assert not (cluster.place / "owned").exists()
    assert done.returncode == 4
    assert "The database returned unexpected row counts." in done.stderr


def test_whoever_may_create_in_the_superusers_database_gets_no_more_there(cluster):
    """With PostgreSQL 14 and older everybody may."""
    cluster.sql("CREATE ROLE guest; GRANT CREATE ON SCHEMA public TO guest; SET ROLE guest;" + EVIL.replace("{place}", str(cluster.place))
        + "CREATE FUNCTION public.pg_database_size(text) RETURNS bigint LANGUAGE sql AS 'SELECT public.evil()'", database="postgres")  # fmt: skip
    cluster.sql("SELECT pg_database_size('mattermost')", database="postgres")
    assert cluster.proof(), "the control: a session with its usual search path runs it"
    done = cluster.run(
        "mattermost-switch", "super \"SELECT pg_database_size('mattermost') > 1\"; super 'SHOW search_path'"
    )
    assert done.stdout.splitlines() == ["t", "pg_catalog"]
    assert not cluster.proof()


@pytest.mark.exhaustive
def test_a_limit_of_idle_sessions_ends_no_backup(cluster):
    """The session that holds the snapshot waits while pg_dump works."""
    cluster.plant("ALTER ROLE mattermost SET idle_in_transaction_session_timeout = 1;")
    done = cluster.run("mattermost-backup", "dump_database")
    assert done.returncode == 0, done.stderr


ASKED = {
    "mattermost-switch": ["schema mattermost", "newest_post mattermost", "posted_since 0", "migration_progress"],
    "mattermost-kept": ["only_in posts mattermost mattermost"],
    "mattermost-restore": ["names mattermost", "compare mattermost", "newer_posts"],
    "mattermost-postgresql": ["census before"],
}


CALLS = [(name, line) for name, lines in ASKED.items() for line in lines]


@pytest.mark.parametrize(("program", "lines"), in_check(CALLS, *((name, lines[0]) for name, lines in ASKED.items())))
def test_a_view_in_place_of_a_table_gets_no_more_than_the_role(cluster, program, lines):
    cluster.plant(FUNCTION, VIEW, "ALTER ROLE mattermost SET search_path = public, pg_catalog;")
    cluster.sql("SELECT count(createat) FROM posts")
    assert cluster.proof(), "the control: a superuser's session runs it"
    cluster.run(program, f"in_manifest() {{ say 0; }}; publish() {{ :; }}; {lines}")
    assert not cluster.proof()


def test_a_version_that_is_no_number_reaches_no_manifest(cluster):
    cluster.plant(
        "CREATE OR REPLACE FUNCTION public.max(text) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$; ",
        "DROP TABLE db_migrations; CREATE TABLE db_migrations AS SELECT E'1\\npostgresql=PATH[$(id)]' AS version;",
    )
    done = cluster.run("mattermost-backup", "dump_database; cat $staging/census")
    assert done.returncode == 4
    assert "PATH" not in done.stdout.partition("could not be dumped")[0]


@pytest.mark.exhaustive
def test_a_count_that_is_no_number_reaches_no_manifest(cluster):
    cluster.plant(VIEW.replace("createat + 0 * public.evil() AS createat", "E'9\\nposts 1 1' AS createat"))
    done = cluster.run("mattermost-backup", "dump_database")
    assert (done.returncode, "could not be dumped" in done.stderr or "unexpected row counts" in done.stderr) == (
        4,
        True,
    )


def test_what_the_role_cannot_read_is_named_and_not_left_out(cluster):
    cluster.sql(
        "CREATE SCHEMA monitoring; CREATE TABLE monitoring.samples (n int); CREATE VIEW public.watch AS SELECT 1 AS n"
    )
    done = cluster.run("mattermost-backup", "refuse_unreadable")
    assert done.returncode == 2
    assert "monitoring.samples (owner postgres)" in done.stderr
    assert "watch" not in done.stderr
    cluster.sql("GRANT USAGE ON SCHEMA monitoring TO mattermost; GRANT SELECT ON monitoring.samples TO mattermost")
    assert cluster.run("mattermost-backup", "refuse_unreadable; dump_database").returncode == 0


def test_what_an_interrupted_migration_left_is_found_by_the_probes_own_questions(cluster):
    """Asked as the role, with what the role itself put there."""
    text = (repository.ROOT / "salt/mattermost/scripts/probe.sh").read_text()
    indexes = re.search(r'"(select regexp_replace\(format.*?limit 10)"', text, re.DOTALL)[1]
    lock = re.search(r"'(select max\(expireat\) from public.db_lock)'", text)[1]

    def ask(question):
        account = ACCOUNTS["mattermost-sql"]
        done = cluster.sql(f"SET search_path = pg_catalog; {question}", account, "mattermost", check=False)
        return done.returncode, done.stdout.splitlines()

    assert ask(indexes) == (0, [])
    assert ask(lock)[0] != 0
    cluster.plant(
        "CREATE TABLE db_lock (id text, expireat bigint); INSERT INTO db_lock VALUES ('mattermost', 1764190000000);"
    )
    cluster.plant('CREATE INDEX "a\nindex" ON posts (id); CREATE INDEX whole ON posts (id);')
    cluster.sql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname LIKE 'a%index' AND relkind = 'i')"
    )
    assert ask(indexes) == (0, ['"a?index"'])
    assert ask(lock) == (0, ["1764190000000"])


def test_the_servers_account_comes_into_its_own_database_only(cluster):
    cluster.sql("CREATE DATABASE mattermost_before_1 OWNER mattermost", database="postgres")

    def may(account, database):
        return cluster.sql("SELECT 1", ACCOUNTS[account], "mattermost", database, check=False).returncode == 0

    assert may("mattermost", "mattermost")
    assert not may("mattermost", "mattermost_before_1")
    assert not may("mattermost", "postgres")
    assert may("mattermost-sql", "mattermost_before_1")
    assert cluster.sql("SELECT 1", "daemon", "postgres", "postgres", check=False).returncode != 0


@pytest.mark.parametrize("cluster", ["password"], indirect=True)
def test_with_a_password_the_programs_need_none(cluster):
    assert cluster.run("mattermost-backup", "refuse_unreadable; dump_database").returncode == 0
    assert cluster.sql("SELECT 1", ACCOUNTS["mattermost"], "mattermost", check=False).returncode != 0


def test_the_deploy_logs_in_and_counts_as_the_role(cluster, monkeypatch):
    monkeypatch.setattr(files, "SQL_ACCOUNT", ACCOUNTS["mattermost-sql"])
    data = {"bin_dir": cluster.bin, "socket_dir": str(cluster.place), "data_dir": f"{cluster.place}/data"}
    postgresql = host.Cluster(data)
    postgresql.login(ACCOUNTS["mattermost-sql"], "mattermost", "mattermost", 5432, None)
    with pytest.raises(host.DatabaseError, match="authentication failed"):
        postgresql.login("daemon", "mattermost", "postgres", 5432, None)
    cluster.plant(VIEW)
    assert postgresql.as_role(removal.COUNTS, "mattermost", "mattermost") == {"users": 1, "posts": 2}
    assert postgresql.psql("SHOW search_path") == "pg_catalog"
    assert not cluster.proof()


# what such a list may hold without a blank: PostgreSQL takes the whole for one name
LISTED = "pg_catalog;ALTER/**/ROLE/**/mattermost/**/SUPERUSER"


@pytest.mark.parametrize("setting", ["search_path", "local_preload_libraries"])
@pytest.mark.parametrize("of_role", in_check([False, True], True), ids=["database", "role"])
def test_a_setting_of_the_database_is_no_statement_where_it_is_copied(cluster, setting, of_role):
    whose = "ROLE mattermost IN" if of_role else ""
    cluster.plant(
        f"SELECT set_config('{setting}', '{LISTED}', false); ALTER {whose} DATABASE mattermost SET {setting} FROM CURRENT;",
    )
    kept = cluster.sql("SELECT setconfig FROM pg_db_role_setting", database="postgres").stdout
    assert LISTED in kept, "it was not taken, so this shows nothing"
    cluster.run("mattermost-restore", "create_like_current mattermost_drill | super")
    assert (
        cluster.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'mattermost'", database="postgres").stdout == "f\n"
    )


@pytest.mark.exhaustive
def test_a_word_that_is_no_name_without_quotes_stops_no_copy(cluster):
    cluster.plant(
        "SELECT set_config('search_path', 'select', false); ALTER DATABASE mattermost SET search_path FROM CURRENT;"
    )
    assert cluster.run("mattermost-restore", "create_like_current mattermost_drill | super").returncode == 0
    kept = cluster.sql("SELECT setconfig FROM pg_db_role_setting", database="postgres").stdout
    assert kept.count("search_path=") == 2, kept


LISTS = {
    "search_path": ["public, pg_catalog", '"$user", public', '"a, b", "c""d;e"', "'$user', \"Two Words\""],
    "temp_tablespaces": ["''"],
}


EACH = [(name, value) for name, values in LISTS.items() for value in values]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("setting", "value"), in_check(EACH, EACH[2]))
def test_a_list_of_names_is_copied_as_it_is(cluster, setting, value):
    cluster.plant(f"ALTER DATABASE mattermost SET {setting} = {value};")
    cluster.run("mattermost-restore", "create_like_current mattermost_drill | super")
    kept = cluster.sql(
        "SELECT datname, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase ORDER BY 1",
        database="postgres",
    ).stdout.splitlines()
    assert [line.partition("|")[0] for line in kept] == ["mattermost", "mattermost_drill"]
    assert len({line.partition("|")[2] for line in kept}) == 1, kept


TAKEN = """
CREATE FUNCTION public.format(text, text, regclass) RETURNS text LANGUAGE sql AS $$ SELECT 'TABLE genuine' || left(public.evil()::text, 0) $$;
CREATE FUNCTION public.format(text, text, name) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1' || left(public.evil()::text, 0) $$;
CREATE FUNCTION public.equal("char", "char") RETURNS boolean LANGUAGE sql AS $$ SELECT public.evil() = 1 $$;
CREATE OPERATOR public.= (LEFTARG = "char", RIGHTARG = "char", FUNCTION = public.equal);
CREATE DOMAIN public.short AS text CHECK (public.evil() = 1);
ALTER DATABASE mattermost SET search_path = public, pg_catalog;
"""


def test_a_database_that_is_taken_over_runs_nothing_of_its_own(cluster):
    cluster.plant(TAKEN, VIEW)
    cluster.sql("CREATE ROLE heir", database="postgres")
    owners = plan._objects_sql("heir")
    cluster.sql(owners, check=False)
    assert cluster.proof(), "the control: with its search path the superuser's session runs it"
    data = {"bin_dir": cluster.bin, "socket_dir": str(cluster.place), "data_dir": f"{cluster.place}/data"}
    postgresql = host.Cluster(data)
    postgresql.query(plan.contents_query(), "mattermost")
    postgresql.psql(owners + plan._schema_sql("heir"), "mattermost")
    assert (
        postgresql.psql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", "mattermost") == "heir"
    )
    assert not cluster.proof()


@pytest.mark.exhaustive
def test_the_queries_of_the_pages_run(cluster):
    found = [
        line for page in doc_commands.PAGES for line in doc_commands.of(page) if line.startswith("runuser -u postgres")
    ]
    assert len(found) == 2
    for line in found:
        assert cluster.sql(shlex.split(line)[-1], database="postgres").stdout
