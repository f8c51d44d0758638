"""Make a cluster of another major ready beside the one at work; the one at work is only read.

Needs nothing but the standard library and PostgreSQL's programs. Raises DatabaseError with what to do.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_major_core as core
import mattermost_database_major_in_use as majors
import mattermost_database_owned_files as owned_files
import mattermost_subprocess
from mattermost_lines import lines_of

CREATE_NONE = "/etc/postgresql-common/createcluster.d/mattermost.conf"
NO_CLUSTER = "create_main_cluster = off\n"
LIKE = """SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
 'checksums', current_setting('data_checksums'), 'hba_file', current_setting('hba_file'), 'ident_file', current_setting('ident_file'),
 'config_file', current_setting('config_file'),
 'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'),
 'tablespaces', (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')),
 'files', (SELECT json_agg(json_build_object('name', name, 'value', setting, 'file', sourcefile) ORDER BY seqno)
   FROM pg_file_settings)) FROM pg_database WHERE datname = 'template0';
"""


class NoClusterOfTheirOwn:
    """While this holds, Debian's packages make no cluster by themselves. Raises DatabaseError where a file of others has our file's name."""

    def __enter__(self):
        if not os.path.isdir(os.path.dirname(CREATE_NONE)):
            return
        with contextlib.suppress(FileNotFoundError), open(CREATE_NONE, encoding="utf-8") as file:
            if not NO_CLUSTER.startswith(file.read()):  # a power cut leaves ours there, whole or empty
                raise host.DatabaseError(f"The file {CREATE_NONE} is not from this bundle. Rename or remove that file.")
        with open(CREATE_NONE, "w", encoding="utf-8") as file:
            file.write(NO_CLUSTER)

    def __exit__(self, *_):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(CREATE_NONE)


def inspect(old: host.Cluster) -> dict:
    """Return what the new cluster must have in common with the old one. Raises DatabaseError for one that cannot be copied."""
    seen = old.query(LIKE)
    if seen["tablespaces"]:
        raise host.DatabaseError(
            f"The cluster in {old.data['data_dir']} has its own tablespaces, and this upgrade does not support them. Move their contents to pg_default and drop the tablespaces, or run pg_upgrade by hand."
        )
    return seen


def disk_space(old: host.Cluster) -> tuple[int, int]:
    """Return (KiB that the data take, KiB free where the new cluster will be)."""
    usage = mattermost_subprocess.run(["du", "-sk", old.data["data_dir"]]).stdout
    folder = os.path.dirname(os.path.dirname(old.data["data_dir"]))
    return int((usage or "0").split()[0]), shutil.disk_usage(folder).free // 1024


def drop(new: host.Cluster) -> bool:
    """Remove a cluster that an earlier try made ready and nobody used; say whether it is gone."""
    subprocess.run(new.data["remove"], env=host.ENVIRONMENT, capture_output=True, check=False)
    if not os.path.exists(
        os.path.join(new.data["config_dir"], "postgresql.conf")
    ):  # Debian leaves what it did not make
        _as_postgres(["rm", "-rf", os.path.join(new.data["config_dir"], "conf.d")])  # root would follow a link of its
    return not new.is_initialised()


def create(new: host.Cluster, seen: dict, old: host.Cluster, port: int) -> list[str]:
    """Make the new cluster, with the old one's settings and access rules; return the names of settings that are gone.

    seen: what `look` returned. port: TCP port of both.
    """
    new.initialise(core.initialise(new.data["initialise_like"], seen, new.data["version"]))
    config = new.data["config_dir"]
    main = os.path.join(config, "postgresql.conf")
    ours = os.path.join(os.path.dirname(seen["config_file"]), majors.DROP_IN)
    settings, gone = core.settings_to_copy(
        seen["files"] or [], ours, core.settings_of(owned_files.read(main) or ""), known_settings(new)
    )
    owned_files.replace(main, files.with_include(owned_files.read(main) or ""))
    if settings:
        owned_files.replace(
            os.path.join(config, "conf.d", "00-brought-over.conf"),
            core.copied_settings_text(settings, old.data["version"]),
        )
    owned_files.replace(
        os.path.join(config, majors.DROP_IN), owned_files.read(ours) or files.HEADER + f"port = '{port}'\n"
    )
    for name in ("hba_file", "ident_file"):
        owned_files.replace(
            os.path.join(config, "pg_hba.conf" if name == "hba_file" else "pg_ident.conf"),
            owned_files.read(seen[name]) or "",
        )
    return gone


def known_settings(cluster: host.Cluster) -> set[str]:
    """Return the names of the settings that this major has, in lower case."""
    described = _as_postgres([cluster.program("postgres"), "--describe-config"]).stdout
    return {line.split("\t")[0].lower() for line in lines_of(described) if "\t" in line}


def check_upgrade(old: host.Cluster, new: host.Cluster) -> None:
    """Have pg_upgrade itself look at both while the old one serves. Raises DatabaseError with what it found."""
    account = pwd.getpwnam(host.SUPERUSER)
    with tempfile.TemporaryDirectory(prefix="mattermost-postgresql.", dir="/var/tmp") as scratch:  # noqa: S108 - 0700, postgres's own
        os.chown(scratch, account.pw_uid, account.pw_gid)
        command = [new.program("pg_upgrade"), "--check", "-U", host.SUPERUSER, "-s", scratch, "-P", "50433"]
        command += [
            "-b",
            old.data["bin_dir"],
            "-B",
            new.data["bin_dir"],
            "-d",
            old.data["data_dir"],
            "-D",
            new.data["data_dir"],
        ]
        command += ["-o", f"-c config_file={old.data['config_dir']}/postgresql.conf"]
        command += ["-O", f"-c config_file={new.data['config_dir']}/postgresql.conf"]
        done = _as_postgres(command, scratch)
    if done.returncode:
        lines = [
            line.strip() for line in lines_of(done.stdout + done.stderr) if line.strip() and not line.endswith(" ok")
        ]
        raise host.DatabaseError(f"pg_upgrade refused the upgrade: {' '.join(lines[-6:])}")


def _as_postgres(command, cwd="/"):
    account = pwd.getpwnam(host.SUPERUSER)
    return mattermost_subprocess.run(
        command,
        cwd=cwd,
        env=host.ENVIRONMENT | {"HOME": account.pw_dir},
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=os.getgrouplist(host.SUPERUSER, account.pw_gid),
    )
