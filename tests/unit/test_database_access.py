"""Who may log in: our lines are written and read once, and what PostgreSQL refuses comes back as it was."""

import os
import pwd

import mattermost_database_access as access
import mattermost_database_cluster as host
import pytest

HBA, IDENT = ["local chat mattermost peer map=mattermost"], ["mattermost mattermost mattermost"]
THEIRS = "local all postgres peer\n"


class Cluster:
    """A cluster whose PostgreSQL finds *fault* with the files."""

    def __init__(self, folder, fault=""):
        self.folder, self.fault, self.asked, self.loaded = folder, fault, [], 2**40
        (folder / "pg_hba.conf").write_text(THEIRS)
        (folder / "pg_ident.conf").write_text("")

    def query(self, sql):
        paths = {f"{name}_file": str(self.folder / f"pg_{name}.conf") for name in ("hba", "ident")}
        return {"version": 15, "loaded": self.loaded, **paths}

    def psql(self, sql):
        self.asked.append(sql)
        return self.fault if "error IS NOT NULL" in sql else ""

    def texts(self):
        return [(self.folder / name).read_text() for name in ("pg_hba.conf", "pg_ident.conf")]

    def reloads(self):
        return sum("pg_reload_conf" in sql for sql in self.asked)


@pytest.fixture(autouse=True)
def owner(monkeypatch):
    """The files are the test's own, in the part of PostgreSQL's account."""
    monkeypatch.setattr(host, "SUPERUSER", pwd.getpwuid(os.geteuid()).pw_name)


def test_our_lines_are_written_and_read_and_a_second_time_nothing_happens(tmp_path):
    cluster = Cluster(tmp_path)
    assert access.Access(cluster, HBA, IDENT).apply() == "reloaded"
    hba, ident = cluster.texts()
    assert HBA[0] in hba
    assert hba.endswith(THEIRS)
    assert IDENT[0] in ident
    assert access.Access(cluster, HBA, IDENT).apply() == ""
    assert cluster.reloads() == 1


def test_what_postgresql_refuses_comes_back_as_it_was(tmp_path):
    cluster = Cluster(tmp_path, "pg_hba.conf line 9: invalid authentication method")
    with pytest.raises(host.DatabaseError, match="line 9: invalid authentication method. The files were restored"):
        access.Access(cluster, HBA, IDENT).apply()
    assert cluster.texts() == [THEIRS, ""]
    assert cluster.reloads() == 0


def test_lines_that_a_run_wrote_before_it_was_cut_off_are_read(tmp_path):
    cluster = Cluster(tmp_path)
    access.Access(cluster, HBA, IDENT).apply()
    cluster.loaded = 0
    assert access.Access(cluster, HBA, IDENT).apply() == "reloaded"
    assert cluster.reloads() == 2
