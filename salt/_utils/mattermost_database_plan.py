"""What has to be done to a PostgreSQL so that it serves Mattermost, judged from facts about it.

Pure functions. The facts are what `FACTS` and `CONTENTS` return; the shell is ``salt/_states/mattermost_database.py``.
"""

from __future__ import annotations

import mattermost_database_scram as scram
from mattermost_release_facts import postgresql_minimum

MARK = "mattermost.deploy.database"
COMMENT = f"Mattermost's; made and kept by {MARK}"
COPY_MARK = "mattermost-switch:"  # what the host program writes on its copies; one that an undo put back is ours too
RESERVED_ROLES = ("postgres",)
RESERVED_DATABASES = ("postgres", "template0", "template1")
FLAGS = {"login": "LOGIN", "super": "NOSUPERUSER", "createdb": "NOCREATEDB", "createrole": "NOCREATEROLE"}


def too_old(postgresql: int, release: str, upgrade: str) -> str | None:
    """Return the refusal of a PostgreSQL that the release cannot use, None when it can. upgrade: the command that upgrades PostgreSQL."""
    oldest = postgresql_minimum(release)
    if postgresql >= oldest:
        return None
    return (
        f"Mattermost {release} needs PostgreSQL {oldest} or newer, not {postgresql}. Set mattermost:database:version: {oldest} "
        f"(if the server has data, then run {upgrade}), or an older mattermost:release:version."
    )


def literal(text: str) -> str:
    """Quote *text* as an SQL string, whatever standard_conforming_strings says."""
    escaped = text.replace("'", "''").replace("\\", "\\\\")
    return f" E'{escaped}'" if "\\" in text else f"'{escaped}'"


def identifier(name: str) -> str:
    """Quote *name* as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def facts_query(database: str, role: str) -> str:
    """Return the query for everything that `refusal` and `steps` need, one JSON object."""
    return f"""SELECT json_build_object(
 'version', current_setting('server_version_num')::int / 10000,
 'superuser', (SELECT json_build_object('verifier', rolpassword) FROM pg_authid WHERE rolname = 'postgres'),
 'role', (SELECT json_build_object('super', rolsuper, 'login', rolcanlogin, 'createdb', rolcreatedb,
   'createrole', rolcreaterole, 'verifier', rolpassword, 'comment', shobj_description(oid, 'pg_authid'),
   'databases', (SELECT count(*) FROM pg_database WHERE datdba = a.oid AND datname <> {literal(database)}))
   FROM pg_authid a WHERE rolname = {literal(role)}),
 'database', (SELECT json_build_object('owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding),
   'comment', shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = {literal(database)}));
"""  # noqa: S608 - quoted by literal()


def contents_query() -> str:
    """Return the query, run inside the database, for what is in it: relations of users, owner of schema public."""
    return """SELECT json_build_object(
 'relations', (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
   WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')),
 'schema_owner', (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'));
"""


def is_ours(thing: dict | None) -> bool:
    """Say whether a role or database carries our mark, or the host program's, in its comment."""
    comment = (thing or {}).get("comment") or ""
    return MARK in comment or comment.startswith(COPY_MARK)


def needs_contents(facts: dict) -> bool:
    """Say whether the judgement depends on what is inside the database."""
    return facts["database"] is not None and (not is_ours(facts["database"]) or facts["version"] < 15)


def refusal(facts: dict, database: str, role: str, adopt: bool) -> str | None:
    """Return why this role or database is not ours to manage, None when it may be."""
    if role in RESERVED_ROLES:
        return f"mattermost:database:user is {role}, PostgreSQL's superuser. Set another role."
    if database in RESERVED_DATABASES:
        return f"mattermost:database:name is {database}, one of PostgreSQL's own databases. Set another name."
    found = facts["database"]
    if found and found["encoding"] != "UTF8":
        return (
            f"The database {database} is encoded in {found['encoding']}, and Mattermost needs UTF8. Set "
            "mattermost:database:name to a new name. Or dump the database, drop it, and restore the dump into a UTF8 database."
        )
    how = "set mattermost:server:adopt: True. Otherwise set another name in"
    if found and not adopt and not is_ours(found):
        if found["owner"] != role:
            return f"This bundle did not create the database {database}, which {found['owner']} owns. To take over the database with its contents, {how} mattermost:database:name."
        if facts["contents"]["relations"]:
            return f"This bundle did not create the database {database}, which is not empty. To take over the database with its contents, {how} mattermost:database:name."
    known = facts["role"]
    if known and not adopt and not is_ours(known):
        if known["super"]:
            return f"This bundle did not create the role {role}, which is a superuser. To take over the role, which then loses that right, {how} mattermost:database:user."
        if known["databases"]:
            return f"This bundle did not create the role {role}, which owns other databases. To take over the role, {how} mattermost:database:user."
    return None


def steps(facts: dict, wanted: dict) -> list[tuple[str, str, str, str]]:
    """Return what to do, as (subject, phrase, database to run it in, SQL); empty when all is as wanted.

    wanted: database, role, auth (peer, password), password (None: not born yet, under test only), superuser_password
    (empty: leave), locale.
    """
    database, role = wanted["database"], wanted["role"]
    todo = []
    if wanted["superuser_password"] and not scram.matches(facts["superuser"]["verifier"], wanted["superuser_password"]):
        sql = f"ALTER ROLE postgres PASSWORD {literal(scram.verifier(wanted['superuser_password']))};"
        todo.append(("role postgres", "password set", "postgres", sql))
    todo += _role_steps(facts["role"], wanted)
    subject, name = f"database {database}", identifier(database)
    comment = f"COMMENT ON DATABASE {name} IS {literal(COMMENT)};"
    private = f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    found, contents = facts["database"], facts.get("contents")
    if not found:
        sql = (
            f"CREATE DATABASE {name} OWNER {identifier(role)} TEMPLATE template0 ENCODING 'UTF8' "
            f"LC_COLLATE {literal(wanted['locale'])} LC_CTYPE {literal(wanted['locale'])};\n"
            f"{private}\n{comment}"
        )
        todo.append((subject, f"created in UTF8, owned by {role}", "postgres", sql))
        if facts["version"] < 15:
            todo.append((subject, f"schema public given to {role}", database, _schema_sql(role)))
        return todo
    if found["owner"] != role:
        sql = f"ALTER DATABASE {name} OWNER TO {identifier(role)};"
        todo.append((subject, f"owner changed from {found['owner']} to {role}", "postgres", sql))
    if not is_ours(found):
        if contents["relations"]:
            todo.append((subject, f"contents given to {role}", database, _objects_sql(role)))
        elif found["owner"] == role:  # a run was cut off right after it had made the database
            comment = f"{private}\n{comment}"
        todo.append((subject, "marked as managed", "postgres", comment))
    if contents and contents["schema_owner"] not in (role, "pg_database_owner"):
        todo.append((subject, f"schema public given to {role}", database, _schema_sql(role)))
    return todo


def in_words(changes: dict, testing: bool) -> str:
    """Return the sentence on what `steps` found. changes: phrases by subject. testing: nothing was done."""
    new = {subject: phrases[0] for subject, phrases in changes.items() if phrases[0].startswith("created")}
    if new.keys() == changes.keys() and all(len(phrases) == 1 for phrases in changes.values()):
        return f"{'Would create' if testing else 'Created'}: {', '.join(new)}."
    said = "; ".join(f"{subject}: {', '.join(phrases)}" for subject, phrases in changes.items())
    return f"{'Would change' if testing else 'Changed'}: {said}."


def _role_steps(known: dict | None, wanted: dict) -> list[tuple[str, str, str, str]]:
    subject, name = f"role {wanted['role']}", identifier(wanted["role"])
    flags = " ".join(FLAGS.values())
    password = wanted["password"]
    comment = f"COMMENT ON ROLE {name} IS {literal(COMMENT)};"
    todo = []
    if not known:
        todo.append((subject, "created", "postgres", f"CREATE ROLE {name} {flags};\n{comment}"))
    else:
        wrong = [flag for key, flag in FLAGS.items() if known[key] != (key == "login")]
        if wrong:
            todo.append((subject, f"changed to {' '.join(wrong)}", "postgres", f"ALTER ROLE {name} {' '.join(wrong)};"))
        if not is_ours(known):
            todo.append((subject, "marked as managed", "postgres", comment))
    stored = known["verifier"] if known else None
    if wanted["auth"] == "peer":
        if stored:
            todo.append((subject, "password removed", "postgres", f"ALTER ROLE {name} PASSWORD NULL;"))
    elif password is None:
        todo.append((subject, "password set", "postgres", ""))
    elif not scram.matches(stored, password):
        sql = f"ALTER ROLE {name} PASSWORD {literal(scram.verifier(password))};"
        todo.append((subject, "password set", "postgres", sql))
    return todo


def _schema_sql(role: str) -> str:
    """The owner of a database owns its schema public from PostgreSQL 15 on by itself; before, nobody but postgres does."""
    return (
        f"ALTER SCHEMA public OWNER TO {identifier(role)};\n"
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n"
        f"GRANT USAGE, CREATE ON SCHEMA public TO {identifier(role)};\n"
    )


def _objects_sql(role: str) -> str:
    """Migrations alter what is there, so the role must own it: tables, sequences, views, types, functions of public."""
    return f"""DO $do$
DECLARE thing record;
BEGIN
 FOR thing IN
  SELECT format('%s %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
    ELSE 'TABLE' END, c.oid::regclass) AS what
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
   AND relowner <> {literal(role)}::regrole
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND deptype IN ('a', 'i', 'e'))
  UNION ALL
  SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t
  WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') AND typowner <> {literal(role)}::regrole
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND deptype = 'e')
  UNION ALL
  SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
  WHERE pronamespace = 'public'::regnamespace AND proowner <> {literal(role)}::regrole
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND deptype = 'e')
 LOOP
  EXECUTE format('ALTER %s OWNER TO %I', thing.what, {literal(role)});
 END LOOP;
END $do$;
"""  # noqa: S608 - quoted by literal()
