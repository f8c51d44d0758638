"""The schema, migration by migration. A version has those whose ``since`` it has reached.

Of those that 11.8 adds, 16 is real work on purpose: it rewrites every post and has a rule that older versions do not know
and break. So an older binary on the newer schema starts without a word, as the real one does, and then cannot store a post:
an upgrade is undone by a restored database or by the down statements. 17 and 18 only add, as most of the real ones do.
"""

from __future__ import annotations

from dataclasses import dataclass

from .versions import Build


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    up: str
    down: str
    since: tuple = (0, 0)


MIGRATIONS = (
    Migration(
        1,
        "create_teams",
        """
        CREATE TABLE teams (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
            displayname varchar(64), name varchar(64) UNIQUE, description varchar(255), email varchar(128),
            type varchar(1), allowopeninvite boolean)""",
        "DROP TABLE teams",
    ),
    Migration(
        2,
        "create_team_members",
        """
        CREATE TABLE teammembers (teamid varchar(26), userid varchar(26), roles varchar(256), deleteat bigint,
            createat bigint, PRIMARY KEY (teamid, userid))""",
        "DROP TABLE teammembers",
    ),
    Migration(
        3,
        "create_users",
        """
        CREATE TABLE users (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
            username varchar(64) UNIQUE, password varchar(256), authservice varchar(32), email varchar(128) UNIQUE,
            emailverified boolean, nickname varchar(64), firstname varchar(64), lastname varchar(64),
            roles varchar(256), locale varchar(5), failedattempts integer, lastpasswordupdate bigint)""",
        "DROP TABLE users",
    ),
    Migration(
        4,
        "create_sessions",
        """
        CREATE TABLE sessions (id varchar(26) PRIMARY KEY, token varchar(26) UNIQUE, createat bigint,
            expiresat bigint, lastactivityat bigint, userid varchar(26), deviceid varchar(512),
            roles varchar(256), isoauth boolean, props jsonb)""",
        "DROP TABLE sessions",
    ),
    Migration(
        5,
        "create_channels",
        """
        CREATE TABLE channels (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
            teamid varchar(26), type varchar(1), displayname varchar(64), name varchar(64), header varchar(1024),
            purpose varchar(250), lastpostat bigint, totalmsgcount bigint, creatorid varchar(26),
            UNIQUE (name, teamid))""",
        "DROP TABLE channels",
    ),
    Migration(
        6,
        "create_channel_members",
        """
        CREATE TABLE channelmembers (channelid varchar(26), userid varchar(26), roles varchar(256),
            lastupdateat bigint, PRIMARY KEY (channelid, userid))""",
        "DROP TABLE channelmembers",
    ),
    Migration(
        7,
        "create_posts",
        """
        CREATE TABLE posts (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
            userid varchar(26), channelid varchar(26), rootid varchar(26), message varchar(65535),
            type varchar(26), props jsonb, fileids jsonb, editat bigint)""",
        "DROP TABLE posts",
    ),
    Migration(
        8,
        "posts_channel_index",
        "CREATE INDEX idx_posts_channel_id_delete_at_create_at ON posts (channelid, deleteat, createat)",
        "DROP INDEX idx_posts_channel_id_delete_at_create_at",
    ),
    Migration(
        9,
        "create_file_info",
        """
        CREATE TABLE fileinfo (id varchar(26) PRIMARY KEY, creatorid varchar(26), postid varchar(26),
            channelid varchar(26), createat bigint, updateat bigint, deleteat bigint, path varchar(512),
            name varchar(256), extension varchar(64), size bigint, mimetype varchar(256))""",
        "DROP TABLE fileinfo",
    ),
    Migration(
        10,
        "create_systems",
        "CREATE TABLE systems (name varchar(64) PRIMARY KEY, value varchar(1024))",
        "DROP TABLE systems",
    ),
    Migration(
        11,
        "create_audits",
        """
        CREATE TABLE audits (id varchar(26) PRIMARY KEY, createat bigint, userid varchar(26), action varchar(512),
            extrainfo varchar(1024), ipaddress varchar(64), sessionid varchar(26))""",
        "DROP TABLE audits",
    ),
    Migration(
        12,
        "create_webhooks",
        """
        CREATE TABLE incomingwebhooks (id varchar(26) PRIMARY KEY, createat bigint, updateat bigint, deleteat bigint,
            userid varchar(26), channelid varchar(26), teamid varchar(26), displayname varchar(64),
            description varchar(500));
        CREATE TABLE outgoingwebhooks (id varchar(26) PRIMARY KEY, token varchar(26), createat bigint,
            updateat bigint, deleteat bigint, creatorid varchar(26), channelid varchar(26), teamid varchar(26),
            displayname varchar(64), description varchar(500), triggerwords jsonb, callbackurls jsonb)""",
        "DROP TABLE incomingwebhooks; DROP TABLE outgoingwebhooks",
    ),
    Migration(
        13,
        "create_user_access_tokens",
        """
        CREATE TABLE useraccesstokens (id varchar(26) PRIMARY KEY, token varchar(26) UNIQUE, userid varchar(26),
            description varchar(512), isactive boolean)""",
        "DROP TABLE useraccesstokens",
    ),
    Migration(
        14,
        "create_bots",
        """
        CREATE TABLE bots (userid varchar(26) PRIMARY KEY, description varchar(1024), ownerid varchar(190),
            createat bigint, updateat bigint, deleteat bigint)""",
        "DROP TABLE bots",
    ),
    Migration(
        15,
        "create_plugin_key_value_store",
        """
        CREATE TABLE pluginkeyvaluestore (pluginid varchar(190), pkey varchar(150), pvalue bytea, expireat bigint,
            PRIMARY KEY (pluginid, pkey))""",
        "DROP TABLE pluginkeyvaluestore",
    ),
    Migration(
        16,
        "name_the_type_of_posts",
        """
        ALTER TABLE posts ADD CONSTRAINT posts_have_a_type CHECK (type <> '') NOT VALID;
        UPDATE posts SET type = 'message';
        ALTER TABLE posts VALIDATE CONSTRAINT posts_have_a_type""",
        "ALTER TABLE posts DROP CONSTRAINT posts_have_a_type; UPDATE posts SET type = ''",
        since=(11, 8),
    ),
    Migration(
        17,
        "add_autotranslation_to_channels",
        "ALTER TABLE channels ADD COLUMN autotranslation boolean NOT NULL DEFAULT false",
        "ALTER TABLE channels DROP COLUMN IF EXISTS autotranslation",
        since=(11, 8),
    ),
    Migration(
        18,
        "create_recaps",
        "CREATE TABLE recaps (id varchar(26) PRIMARY KEY, userid varchar(26) NOT NULL, title varchar(255))",
        "DROP TABLE IF EXISTS recaps",
        since=(11, 8),
    ),
)

# The first version that has a type for every post.
POSTS_HAVE_A_TYPE = (11, 8)


def known_to(build: Build) -> list[Migration]:
    """Migrations that *build* has, oldest first."""
    return [migration for migration in MIGRATIONS if build.numbers >= migration.since]
