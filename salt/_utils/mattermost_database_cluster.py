"""One PostgreSQL cluster on this host: where it listens, SQL as its superuser, logins as somebody else.

Needs nothing but the standard library and PostgreSQL's own psql. Passwords go by files and standard input, never by
arguments.
"""

from __future__ import annotations

import glob
import os
import pwd
import re
import resource
import socket
import subprocess
import tempfile
import time

import mattermost_database_files as files
import mattermost_json
import mattermost_subprocess
from mattermost_lines import lines_of

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "PGCLIENTENCODING": "UTF8",
    "PGCONNECT_TIMEOUT": "10",
}
SUPERUSER = "postgres"
TIMEOUT = 120  # seconds for one psql
PATIENCE = 10  # seconds for sessions that were told to end; a query that looks at no signal, as XPath, never does
LOCK_PATIENCE = 60  # seconds that the superuser waits for what the role holds; sql.sh has it too
RECOVERY = 600  # seconds after sessions were ended otherwise
# bytes: who owns the database that is asked says whatever it likes, for as long as it likes, in answers and in messages
LARGEST_ANSWER, CLIENT_MEMORY = 16 << 20, 1 << 30


class DatabaseError(Exception):
    """PostgreSQL refused or is not there; the text is its own reason."""


class Cluster:
    """The cluster that the platform's data describe.

    data: the branch ``platform.postgresql`` of the settings. superuser_password: tried where pg_hba.conf wants one.
    """

    def __init__(self, data: dict, superuser_password: str = ""):
        self.data = data
        self.superuser_password = superuser_password

    def program(self, name: str) -> str:
        """Return the path of one of this version's own programs."""
        return os.path.join(self.data["bin_dir"], name)

    def is_installed(self) -> bool:
        """Say whether the programs are there."""
        return os.access(self.program("psql"), os.X_OK)

    def is_initialised(self) -> bool:
        """Say whether the data directory holds a cluster."""
        return os.path.exists(os.path.join(self.data["data_dir"], "PG_VERSION"))

    def initialise(self, command: list[str]) -> None:
        """Make the data directory by *command*, the platform's own. Raises DatabaseError with what that said."""
        done = mattermost_subprocess.run(command, env=ENVIRONMENT)
        if done.returncode or not self.is_initialised():
            last = lines_of((done.stderr or done.stdout).strip())[-1:]
            raise DatabaseError(
                f"{' '.join(command)} did not create PostgreSQL's cluster in {self.data['data_dir']}: {sentence(' '.join(last))} "
                "Correct the cause on the host, then run the same command again."
            )

    def pid_file(self) -> list[str]:
        """Return the lines of the cluster's postmaster.pid, empty when no such process lives."""
        try:
            with open(os.path.join(self.data["data_dir"], "postmaster.pid"), encoding="utf-8") as file:
                lines = [line.strip() for line in file]
            os.kill(int(lines[0]), 0)
            return lines
        except (OSError, ValueError, IndexError):
            return []

    def running(self) -> tuple[str, int] | None:
        """Return (socket directory, port) of the running cluster from its postmaster.pid, None when it is not ready.

        Not from the settings: a port that was changed a moment ago is not yet the one in use.
        """
        lines = self.pid_file()
        return (lines[4], int(lines[3])) if len(lines) > 7 and lines[7] == "ready" else None

    def systemctl(self, verb: str, seconds: float = 90) -> bool:
        """Restart or stop the cluster's unit; say whether a new postmaster took connections, or none is left, within *seconds*.

        The unit's own word is not waited for: Debian's comes two seconds late, and is "active" for a start that failed. It
        would also wait for a query that looks at no signal, for an hour or for ever.
        """
        before, unit = self.pid_file()[:1], self.data["service"]
        systemctl("--no-block", verb, unit)
        deadline = time.monotonic() + seconds
        turn = held_up = 0
        while time.monotonic() < deadline:
            if verb == "stop" and not self.pid_file():
                return True
            if verb != "stop" and self.running() and self.pid_file()[:1] != before and self.answers():
                return True
            turn += 1
            if turn % 20 == 0:
                if not self.pid_file() and not self._has_job():
                    return False
                held_up += 1 if (waits := self._waits_for_sessions()) else 0
                if waits and held_up == PATIENCE:
                    self._as(
                        SUPERUSER, [self.program("pg_ctl"), "stop", "-m", "immediate", "-D", self.data["data_dir"]]
                    )
                    deadline = time.monotonic() + RECOVERY
            time.sleep(0.05)
        return False

    def _waits_for_sessions(self) -> bool:
        """Say whether a stop has begun, but not yet its last part: PostgreSQL writes what is in memory, for which it has all its time."""
        if self.pid_file()[7:8] != ["stopping"]:
            return False
        said = self._as(SUPERUSER, [self.program("pg_controldata"), "-D", self.data["data_dir"]]).stdout
        return bool(re.search(r"^Database cluster state: +in production$", said, re.M))

    def _has_job(self) -> bool:
        """Say whether the service manager is still at work on the unit."""
        command = ["systemctl", "show", "--property=Job,ActiveState", self.data["service"]]
        properties = mattermost_subprocess.run(command).stdout
        return bool(re.search(r"^Job=[1-9]|^ActiveState=.*ing$", properties, re.M))

    def answers(self) -> bool:
        """Ask pg_isready, which a service manager's "active" does not replace."""
        directory, port = self.running() or ("", 0)
        command = [
            self.program("pg_isready"),
            "-q",
            "-h",
            directory,
            "-p",
            str(port),
            "-U",
            SUPERUSER,
            "-d",
            "postgres",
        ]
        return self._as(SUPERUSER, command).returncode == 0

    def kill(self, pids: list[int], seconds: float = RECOVERY) -> None:
        """Kill processes of the cluster, with its own rights, and wait until it has recovered from that."""
        self._as(SUPERUSER, ["/bin/sh", "-c", 'kill -KILL "$@"', "sh", *(str(int(pid)) for pid in pids)])
        deadline = time.monotonic() + seconds
        time.sleep(1)  # before the postmaster has noticed, it still takes connections
        while not self.answers() and time.monotonic() < deadline:
            time.sleep(0.2)

    def psql(self, sql: str, database: str = "postgres") -> str:
        """Run *sql* as the superuser and return what it prints, unaligned. Raises DatabaseError with the reason."""
        place = self.running()
        if place is None:
            raise DatabaseError(
                f"The PostgreSQL cluster in {self.data['data_dir']} is not running. {self.log_tail()} "
                f"See on the host: systemctl status {self.data.get('service', 'postgresql')}".replace("  ", " ")
            )
        environment = {
            "PGOPTIONS": "-c search_path=pg_catalog -c lc_messages=C -c log_statement=none -c log_min_duration_statement=-1"
            f" -c lock_timeout={LOCK_PATIENCE}s"
        }
        if self.superuser_password:
            environment["PGPASSWORD"] = self.superuser_password
        return self._run(SUPERUSER, SUPERUSER, *place, database, sql, environment)

    def query(self, sql: str, database: str = "postgres"):
        """Run one query that returns one JSON value and return that value."""
        return mattermost_json.parse(self.psql(sql, database))

    def as_role(self, sql: str, role: str, database: str):
        """Run one query as the database's own *role* and return the JSON value that it prints. Raises DatabaseError."""
        directory, port = self.running() or (self.data["socket_dir"], 0)
        try:
            return mattermost_json.parse(self._run(files.SQL_ACCOUNT, role, directory, port, database, sql, {}))
        except (KeyError, ValueError) as err:
            raise DatabaseError(f"The database role {role} cannot be checked: {err}.") from None

    def login(self, os_user: str, role: str, database: str, port: int, password: str | None) -> None:
        """Log in as the server will: over the socket as *os_user*, or with *password* over 127.0.0.1.

        Raises DatabaseError with PostgreSQL's reason when it is refused, or when the role cannot make its tables.
        """
        sql = "SELECT has_schema_privilege('public', 'CREATE') AND current_setting('server_encoding') = 'UTF8';"
        if password is None:
            answer = self._run(os_user, role, self.data["socket_dir"], port, database, sql, {})
        else:
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", prefix="pgpass-", dir="/run"
            ) as file:  # 0600, in memory
                file.write(files.passfile("127.0.0.1", port, database, role, password))
                file.flush()
                answer = self._run("root", role, "127.0.0.1", port, database, sql, {"PGPASSFILE": file.name})
        if answer != "t":
            raise DatabaseError(
                f"The role {role} has no CREATE right on the schema public of the database {database}, or that database is not encoded in UTF8. Check with \\dn+ and \\l in psql."
            )

    def _run(self, os_user, role, where, port, database, sql, environment) -> str:
        command = [self.program("psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"]
        command += ["-h", where, "-p", str(port), "-U", role, "-d", database, "-f", "-"]
        done = self._as(os_user, command, sql, environment)
        if done.returncode:
            raise DatabaseError(reason(done.stderr))
        return done.stdout.strip()

    def _as(self, os_user, command, text="", environment=None) -> subprocess.CompletedProcess:
        """Run *command* as *os_user* with *text* on its standard input."""
        account = pwd.getpwnam(os_user)
        with tempfile.TemporaryFile(dir="/run") as out, tempfile.TemporaryFile(dir="/run") as err:  # in memory
            try:
                done = subprocess.run(
                    command,
                    input=text.encode(),
                    env=ENVIRONMENT | {"HOME": "/nonexistent"} | (environment or {}),
                    cwd="/",
                    user=account.pw_uid,  # no runuser: that would open a session and write to the journal for each call
                    group=account.pw_gid,
                    extra_groups=[],
                    stdout=out,
                    stderr=err,
                    preexec_fn=_bounded,
                    timeout=TIMEOUT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise DatabaseError(
                    f"PostgreSQL did not answer the account {os_user} within {TIMEOUT} s. See on the host: systemctl status {self.data.get('service', 'postgresql')}"
                ) from None
            said = [(file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)]
        return subprocess.CompletedProcess(command, done.returncode, *said)

    def log_tail(self) -> str:
        """Return the last complaint in the cluster's log as a sentence, empty when there is none."""
        logs = sorted(glob.glob(self.data["logs"]), key=os.path.getmtime)
        if not logs:
            return ""
        with open(logs[-1], "rb") as file:
            file.seek(max(0, os.path.getsize(logs[-1]) - 16384))
            lines = lines_of(file.read().decode("utf-8", "replace"))
        complaints = [line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR|LOG):  .*", line)]
        serious = [line for line in complaints if re.search(r"\b(FATAL|PANIC):", line)] or complaints
        return sentence(f"{logs[-1]} says: {serious[-1].strip()}") if serious else ""


def _bounded() -> None:
    """In the child: neither its answer nor its memory grows without end."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_ANSWER, LARGEST_ANSWER))
    resource.setrlimit(resource.RLIMIT_AS, (CLIENT_MEMORY, CLIENT_MEMORY))


def reason(stderr: str) -> str:
    """Return PostgreSQL's own reason out of what psql printed, as one sentence."""
    lines = [line.strip() for line in lines_of(stderr) if line.strip()]
    for line in lines:
        complaint = re.search(r"\b((?:FATAL|ERROR|PANIC):  .*)", line)
        if complaint:
            return sentence(re.sub(r":  ", ": ", complaint[1], count=1))
    text = re.sub(r"^psql: (error: )?", "", " ".join(lines)) or "psql failed without a message"
    return sentence(text)


def sentence(text: str) -> str:
    """Return *text* with a full stop, unless it ends a sentence already."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def is_taken(port: int) -> bool:
    """Say whether anything listens on TCP *port* of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def systemctl(*arguments: str) -> bool:
    """Run ``systemctl`` and say whether it succeeded."""
    return subprocess.run(["systemctl", "--quiet", *arguments], check=False, capture_output=True).returncode == 0
