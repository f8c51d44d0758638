"""The stage `backup` asks restic of a repository before anything of it is written, and of what it knows it asks nothing."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests import restic, states

TREE = Path("salt/mattermost")
SCRIPT = "".join((TREE / name).read_text() for name in ("deploy/common/tools.sh", "scripts/ask-repository.sh"))


@pytest.fixture
def host(tmp_path):
    """A host whose repository opens with `right`, the stored password, and has backups of it."""
    if not shutil.which("restic"):
        pytest.skip("NO restic HERE")
    restic.repository(tmp_path / "repository", "right")
    for folder in ("settings/secrets", "work/backup"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "settings/secrets/backup-password").write_text("right\n")
    (tmp_path / "settings/backup.conf").write_text(f"name=x\nrepository={tmp_path}/repository\nAWS_PROFILE=a\n")
    (tmp_path / "work/backup/known").write_text(f"{tmp_path}/repository\n")
    return tmp_path


def usable(host, repository="", password="", environment=None):
    before = sorted(host.rglob("*"))
    ret = states.load_state("mattermost_backup_repository").usable(
        "x", SCRIPT, repository or f"{host}/repository", password, environment or {}, f"{host}/settings", f"{host}/work"
    )
    assert sorted(host.rglob("*")) == before
    assert ret["changes"] == {}
    assert not password or password not in json.dumps(ret)
    return ret


def test_another_password_than_the_repositorys_is_refused(host):
    ret = usable(host, password="geheim")
    assert ret["result"] is False
    assert "mattermost:backup:password: it does not open" in ret["comment"]
    assert usable(host, password="right")["result"] is True


def test_what_has_its_backups_and_cannot_be_asked_gets_no_other_password(host):
    (host / "repository").rename(host / "elsewhere")
    ret = usable(host, password="geheim")
    assert ret["result"] is False
    assert "mattermost:backup:password: it is new" in ret["comment"]
    assert usable(host)["result"] is True


def test_a_new_repository_may_be_absent_and_must_not_be_somebody_elses(host):
    assert usable(host, f"{host}/absent")["result"] is True
    restic.repository(host / "theirs", "theirs")
    ret = usable(host, f"{host}/theirs")
    assert ret["result"] is False
    assert f"does not open the repository {host}/theirs" in ret["comment"]


def test_one_elsewhere_that_does_not_answer_is_only_said(host):
    ret = usable(host, "rest:http://me:geheim@127.0.0.1:1/")
    assert ret["result"] is True
    assert "mattermost:backup:repository does not answer" in ret["comment"]
    assert "geheim" not in ret["comment"]


@pytest.mark.parametrize(
    ("environment", "asked"), [({}, False), ({"AWS_PROFILE": "a"}, False), ({"AWS_PROFILE": "b"}, True)]
)
def test_what_the_host_has_already_is_not_asked_again(host, monkeypatch, environment, asked):
    (host / "bin").mkdir()
    (host / "asked").touch()
    (host / "bin/restic").write_text(f"#!/bin/sh\necho x >>{host}/asked\n")
    (host / "bin/restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{host}/bin:{os.environ['PATH']}")
    assert usable(host, environment=environment)["result"] is True
    assert bool((host / "asked").read_text()) == asked
