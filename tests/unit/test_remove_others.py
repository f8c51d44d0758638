"""A removal takes what is ours alone: not what is only called alike, was there before, or lies on another machine."""

import json
import os

import mattermost_remove_core as core
import mattermost_remove_files as files
import pytest

from tests import repository
from tests.states import load_state

NAME = "chat.example.com"
DEPLOY = repository.ROOT / "salt/mattermost/deploy"


def shipped():
    """The names of our units and programs."""
    places = ("files/etc/systemd/system/mattermost-*", "files/usr/local/sbin/mattermost-*")
    found = [path for place in places for path in DEPLOY.glob(f"*/{place}")]
    return sorted({path.name.removesuffix(".jinja") for path in found if path.is_file()})


def test_every_unit_and_program_that_is_shipped_is_known():
    assert "mattermost-restore@.service" in shipped()
    assert [name for name in shipped() if not core.is_ours(name)] == []
    dropins = {
        path.name.removesuffix(".jinja") for path in DEPLOY.glob("*/files/etc/systemd/system/mattermost.service.d/*")
    }
    assert dropins - set(core.DROPINS) == set()


def test_what_is_only_called_alike_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "UNITS", str(tmp_path))
    monkeypatch.setattr(files, "STAMPS", str(tmp_path / "stamps"))
    ours = [
        "mattermost-backup.timer",
        "mattermost-restore@.service",
        "mattermost.service",
        "mattermost.service.d/moved.conf",
    ]
    ours += ["timers.target.wants/mattermost-backup.timer", "stamps/stamp-mattermost-backup.timer"]
    theirs = ["mattermost-push-proxy.service", "mattermost-backup-check.timer", "mattermost.service.d/override.conf"]
    theirs += ["multi-user.target.wants/mattermost-push-proxy.service", "stamps/stamp-mattermost-backup-check.timer"]
    for name in [*ours, *theirs]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# Managed by Salt (mattermost.deploy.server).\n")
    assert [os.path.relpath(path, tmp_path) for path in files.units()] == sorted(ours)
    assert not [path for path in files.PROGRAMS if "*" in path.removesuffix(".*")]


@pytest.mark.parametrize(
    "mounts",
    [
        "systemd-1 /mnt/nas autofs rw 0 0\nnas:/v /mnt/nas nfs4 rw 0 0\n",
        "systemd-1 /mnt/nas autofs rw 0 0\n",
    ],
    ids=["mounted", "not yet"],
)
def test_backups_on_what_is_mounted_when_it_is_used_are_elsewhere(mounts):
    assert core.is_elsewhere("/mnt/nas/chat", "/dev/vda / ext4 rw 0 0\n" + mounts)


def test_a_link_to_another_machine_is_followed(tmp_path, monkeypatch):
    (tmp_path / "far").mkdir()
    (tmp_path / "backups").symlink_to(tmp_path / "far")
    monkeypatch.setattr(core, "is_elsewhere", lambda place, mounts: place)
    assert files.is_elsewhere(str(tmp_path / "backups")) == str(tmp_path / "far")


class Certbot:
    """A folder of certbot's with one certificate of the site's name, and a record of what was there before."""

    def __init__(self, folder, before, asked_for):
        self.folder, self.work = folder / "letsencrypt", folder / "work"
        self.renewal = self.folder / f"renewal/{NAME}.conf"
        for path in (
            self.renewal,
            self.folder / f"live/{NAME}/privkey.pem",
            self.folder / f"archive/{NAME}/privkey1.pem",
        ):
            path.parent.mkdir(parents=True)
            path.write_text("theirs or ours")
        self.work.mkdir()
        record = {"letsencrypt": [str(path) for path in self.folder.rglob("*")] if before else [], "directories": []}
        (self.work / "before.json").write_text(json.dumps(record))
        if asked_for:
            (self.work / "certificates.json").write_text(json.dumps([NAME]))
        self.all = self.census()

    def census(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def removed(self, purge):
        state = load_state("mattermost_remove", False)
        state._systemctl = lambda *_: None
        certbot = {"directory": str(self.folder), "service": "none-of-this-test.service"}
        return state.certificate("certificate", NAME, certbot, purge, {"work": str(self.work)})


@pytest.mark.parametrize("purge", [False, True])
def test_a_certificate_of_before_that_we_never_asked_for_is_left_alone(tmp_path, purge):
    certbot = Certbot(tmp_path, before=True, asked_for=False)
    assert certbot.removed(purge)["changes"] == {}
    assert certbot.census() == certbot.all


def test_one_of_before_that_we_took_over_is_kept_by_a_purge_and_renewed_no_longer(tmp_path):
    certbot = Certbot(tmp_path, before=True, asked_for=True)
    certbot.removed(purge=True)
    assert certbot.census() == sorted(
        [*(path for path in certbot.all if "renewal/" not in path), f"renewal/{NAME}.conf.kept"]
    )


def test_one_of_ours_is_kept_by_a_removal_and_goes_with_a_purge(tmp_path):
    certbot = Certbot(tmp_path, before=False, asked_for=True)
    certbot.removed(purge=False)
    assert f"renewal/{NAME}.conf.kept" in certbot.census()
    certbot.removed(purge=True)
    assert certbot.census() == []


def test_a_site_of_others_that_is_called_as_ours_stays(tmp_path):
    (tmp_path / "mattermost-ssl.conf").write_text("# Managed by Salt (mattermost.deploy.nginx-ssl).\n")
    (tmp_path / "mattermost-push.conf").write_text("server { }\n")
    (tmp_path / "mattermost-gone.conf").symlink_to("nothing")
    assert files.sites(str(tmp_path)) == [str(tmp_path / "mattermost-ssl.conf")]
