"""What comes from another host or out of a repository makes nothing outside its own folder, and no program of root's."""

import io
import os
import pwd
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from mattermost_controller.moving import copying, transfer

from tests import programs, repository

SERVER = pwd.getpwnam("daemon")  # plays the server's account
LIVE = "etc/letsencrypt/live/chat.example.com"
HOOK = "pre_hook = touch {place}/proof\n"
RENEWAL = "version = 2.1.0\ncert = /elsewhere/cert.pem\n[renewalparams]\naccount = 0a\nauthenticator = webroot\n"
RENEWAL += "renew_hook = evil\n[[webroot_map]]\nchat.example.com = /var/www\n"


@pytest.fixture
def place():
    """A directory that every account can reach, with a file of root's in it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="archives-") as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "precious").mkdir()
        (path / "precious/file").write_text("root's\n")
        (path / "precious/file").chmod(0o600)
        yield path


def tar(*members):
    """Return an archive of (name, bytes, or a change of the member)."""
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w") as archive:
        for name, content, *more in members:
            member = tarfile.TarInfo(name)
            for key, value in dict(*more).items():
                setattr(member, key, value)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return kept.getvalue()


def link(name, target):
    return (name, b"", {"type": tarfile.SYMTYPE, "linkname": str(target)})


def run(lines, data=b"", **values):
    """Do *lines* with the functions of the program that restores."""
    text = programs.joined("mattermost-restore").partition("# ---- the command")[0]
    text += "\n" + "".join(f"{name}='{value}'\n" for name, value in values.items()) + lines
    return subprocess.run(["sh", "-c", text], input=data, capture_output=True, timeout=60)


def tree(path):
    """Return each path below *path* that is no plain folder or file of root's, and each file with its mode."""
    return {str(each.relative_to(path)): oct(each.lstat().st_mode) for each in path.rglob("*") if not each.is_dir()}


@pytest.mark.parametrize(
    "members",
    [
        [link("d", "{place}/precious"), ("d/new", b"x")],
        [link("d", "../precious"), ("d/new", b"x")],
        [("../precious/new", b"x")],
        [("{place}/precious/new", b"x")],
        [("l", b"", {"type": tarfile.LNKTYPE, "linkname": "../precious/file"})],
        [("null", b"", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3})],
    ],
    ids=["link", "relative-link", "climbs", "absolute", "hard-link", "device"],
)
def test_an_archive_makes_nothing_outside_its_folder(place, members):
    filled = [
        tuple(part.replace("{place}", str(place)) if isinstance(part, str) else part for part in one) for one in members
    ]
    for one in filled:
        for value in one[2:]:
            value.update(
                {key: text.replace("{place}", str(place)) for key, text in value.items() if isinstance(text, str)}
            )
    run(f"unpack {place}/new", tar(*filled))
    assert tree(place / "precious") == {"file": "0o100600"}
    assert (place / "precious/file").stat().st_uid == 0
    assert (place / "precious/file").stat().st_nlink == 1
    assert not (place / "new/null").exists()


def test_of_an_archive_stay_plain_files_of_root(place):
    members = [("d/a", b"x", {"mode": 0o4755, "uid": 1}), link("d/l", "a"), ("d/fifo", b"", {"type": tarfile.FIFOTYPE})]
    done = run(f"unpack {place}/new", tar(*members, ("d/é\nb", b"x", {"mode": 0o600})))
    assert done.returncode == 0, done.stderr
    assert set(tree(place / "new")) == {"d/a", "d/é\nb"}
    assert {each.stat().st_uid for each in (place / "new").rglob("*")} == {0}
    assert not (place / "new/d/a").stat().st_mode & 0o7000


@pytest.fixture
def backup(place):
    """What the stand-in for restic gives: made with the paths of *place*, as the functions of the program are called."""
    (place / "secrets").mkdir()
    (place / "certbot").mkdir()
    root = str(place).lstrip("/")
    names = {
        f"archive/chat.example.com/{kind}7.pem": kind.encode() for kind in ("cert", "chain", "fullchain", "privkey")
    }
    names |= {"renewal/chat.example.com.conf": (RENEWAL + HOOK).replace("{place}", str(place)).encode()}
    names |= {"renewal-hooks/pre/evil": b"#!/bin/sh\n", "accounts/ca/0a/private_key.json": b"{}"}
    return [
        (f"{root}/secrets/pepper", b"secret", {"mode": 0o4777}),
        link(f"{root}/secrets/stolen", place / "precious/file"),
        *((f"{root}/certbot/{name}", text) for name, text in names.items()),
        link(f"{root}/certbot/live/chat.example.com/privkey.pem", place / "precious/file"),
    ]


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_backup_brings_secrets_and_certificates_and_nothing_else(place, backup, is_cut):
    if is_cut:  # as an earlier restore left it that lost its power in the middle
        for folder in ("archive", "live"):
            (place / "certbot" / folder / "chat.example.com").mkdir(parents=True)
        (place / "certbot/archive/chat.example.com/cert7.pem").write_text("")
        (place / "certbot/live/chat.example.com/cert.pem").symlink_to("../../archive/chat.example.com/cert7.pem")
    values = {
        "settings": place,
        "certificates": place / "certbot",
        "name": "chat.example.com",
        "fetched": place / "new",
    }
    done = run('unpack "$fetched" && restore_secrets', tar(*backup), **values)
    assert done.returncode == 0, done.stderr
    assert tree(place / "secrets") == {"pepper": "0o100600"}
    assert set(tree(place / "certbot")) == {
        *(f"archive/chat.example.com/{kind}7.pem" for kind in ("cert", "chain", "fullchain", "privkey")),
        *(f"live/chat.example.com/{kind}.pem" for kind in ("cert", "chain", "fullchain", "privkey")),
        "accounts/ca/0a/private_key.json",
        "renewal/chat.example.com.conf",
    }
    live = place / "certbot/live/chat.example.com/privkey.pem"
    assert live.read_text() == "privkey"
    renewal = (place / "certbot/renewal/chat.example.com.conf").read_text().splitlines()
    assert f"cert = {place}/certbot/live/chat.example.com/cert.pem" in renewal
    assert [line for line in renewal if "hook" in line or "elsewhere" in line] == []
    assert "account = 0a" in renewal
    assert "chat.example.com = /var/www" in renewal


class Host:
    """One side of a move: the library, run here, with the server's account played by another."""

    def __init__(self, place, name):
        self.id, self.place = name, place / name
        for folder in ("state/data", "state/plugins", "state/client-plugins", "own", "work", "settings", "certbot"):
            (self.place / folder).mkdir(parents=True)
            os.chown(self.place / folder, SERVER.pw_uid, SERVER.pw_gid)
        (self.place / "state/data").chmod(0o750)
        for folder in ("state", "own", "work", "settings", "certbot"):
            os.chown(self.place / folder, 0, 0)
        (self.place / "config.json").write_text("{}")
        os.chown(self.place / "config.json", SERVER.pw_uid, SERVER.pw_gid)
        names = "install role database pg_kind psql left halt resume leave move_to new checksum maintenance site_closed units service".split()
        state = self.place / "state"
        values = dict.fromkeys(names, "x") | {
            "name": "chat.example.com", "id": "7", "state": state, "own": self.place / "own", "work": self.place / "work",
            "settings": self.place / "settings", "certificates": self.place / "certbot", "repository": "/r", "user": SERVER.pw_name,
            "config": self.place / "config.json", "data": state / "data", "plugins": state / "plugins",
            "client_plugins": state / "client-plugins", "root": "",
        }  # fmt: skip
        self.library = transfer.library([str(repository.ROOT / "salt")], values)

    def run(self, script, timeout=60, root=True, is_private=False):
        done = subprocess.run(["sh"], input=script, capture_output=True, text=True, timeout=timeout)
        return type("Answer", (), {"rc": done.returncode, "out": done.stdout, "err": done.stderr})

    def stream(self, script):
        return ["sh", "-c", script], b""

    def exchange(self, script, data, timeout, limit):
        return subprocess.run(["sh", "-c", script], input=data, capture_output=True, timeout=timeout)

    def as_server(self, script):
        subprocess.run(
            ["setpriv", f"--reuid={SERVER.pw_uid}", f"--regid={SERVER.pw_gid}", "--clear-groups", "sh", "-c", script],
            check=True,
            cwd=self.place / "state/data",
        )


@pytest.fixture
def ends(place):
    made = []
    for name in ("old", "new"):
        host = Host(place, name)
        made.append(transfer.Endpoint(host, host.library, str(host.place / "own")))
    made[0].run("roots")
    made[1].run('mkdir -p "$staging"; open_to_unpacker "$staging"')
    return made


def test_a_folder_that_was_a_link_before_leads_nowhere_on_the_target(place, ends):
    old, new = ends
    old.host.as_server(f"ln -s {place}/precious d")
    feed = b"data/d\0"  # a file when it was listed
    transfer.pipe(old, "send", new, "receive", feed)
    old.host.as_server("rm d; mkdir d; echo planted >d/planted")
    copying._files(old, new, print)
    assert tree(place / "precious") == {"file": "0o100600"}
    assert (place / "new/state/.move/data/d/planted").read_text() == "planted\n"
    assert new.run('odd_files "$staging"') == ""


def test_what_root_alone_may_read_does_not_travel(place, ends):
    """The server exchanges a folder between the listing and the copy."""
    old, new = ends
    old.host.as_server(f"mv ../data/d ../data/e 2>/dev/null; ln -s {place}/precious d")
    transfer.pipe(old, "send", new, "receive", b"data/d/file\0")
    assert not (place / "new/state/.move/data/d/file").exists()
    assert b"data/d/file" not in old.run_with_input("sums in_source 2>/dev/null || :", b"data/d/file\0")


def test_plain_files_arrive_and_those_that_are_gone_go(place, ends):
    old, new = ends
    old.host.as_server("mkdir d; echo 1 >d/1; printf 2 >'a b\nc'")
    copying._files(old, new, print)
    old.host.as_server("rm -r d; echo file >d")
    assert copying._files(old, new, print).send == [b"data/d"]
    assert copying._files(old, new, print) == ([], [], 0)
    assert {each.name for each in (place / "new/state/.move/data").iterdir()} == {"d", "a b\nc"}
    names = [b"data/d", b"data/a b\nc"]
    copying._compare_bytes(old, new, names)
    copy = place / "new/state/.move/data/a b\nc"
    when = copy.stat().st_mtime
    copy.write_text("9")  # other bytes, of the same size and time
    os.utime(copy, (when, when))
    with pytest.raises(transfer.TransferError, match="the new run copies these files again"):
        copying._compare_bytes(old, new, names)
    assert copying._files(old, new, print).send == [names[1]]
    copying._compare_bytes(old, new, names)


@pytest.mark.parametrize("gone", [["data"], ["data", "plugins", "client-plugins"]])
def test_a_server_whose_files_are_elsewhere_has_none_to_give(place, ends, gone):
    old, new = ends
    for name in gone:
        (place / "old/state" / name).rmdir()
    assert copying._files(old, new, print).send == []
    assert old.run("give_config") == "{}"
    (place / "old/config.json").unlink()
    assert copying._files(old, new, print).send == []


def test_what_the_server_cannot_read_is_named_before_it_is_missed(place, ends):
    old, new = ends
    (place / "old/state/data/mine").write_text("x")
    (place / "old/state/data/mine").chmod(0o600)
    with pytest.raises(transfer.TransferError, match="data/mine"):
        copying._files(old, new, print)


def test_a_source_gives_no_program_to_certbot_and_no_link_to_the_secrets(place, ends):
    new = ends[1]
    members = [
        ("secrets/pepper", b"secret"),
        link("secrets/stolen", place / "precious/file"),
        link("first-admin-login", place / "precious/file"),
        *(
            (f"certificates/archive/chat.example.com/{kind}1.pem", b"x")
            for kind in ("cert", "chain", "fullchain", "privkey")
        ),
        ("certificates/renewal/chat.example.com.conf", (RENEWAL + HOOK).encode()),
        ("certificates/renewal-hooks/deploy/evil", b"#!/bin/sh\n", {"mode": 0o755}),
    ]
    new.run_with_input("take_over", tar(*members))
    assert set(tree(place / "new/settings")) == {"secrets/pepper"}
    assert not (place / "new/own/first-admin-login").exists()
    made = tree(place / "new/certbot")
    assert [name for name in made if "hooks" in name] == []
    assert "hook" not in (place / "new/certbot/renewal/chat.example.com.conf").read_text()
