"""A letsencrypt.tar.gz of an earlier host, and of somebody who means harm."""

import io
import os
import tarfile

import mattermost_letsencrypt_archive as archives
import pytest

NAME = "chat.example.test"
GOOD = {
    f"letsencrypt/archive/{NAME}/fullchain1.pem": "chain",
    f"letsencrypt/archive/{NAME}/privkey1.pem": "key",
    f"letsencrypt/live/{NAME}/fullchain.pem": f"-> ../../archive/{NAME}/fullchain1.pem",
    f"letsencrypt/live/{NAME}/privkey.pem": f"-> /etc/letsencrypt/archive/{NAME}/privkey1.pem",
    f"letsencrypt/renewal/{NAME}.conf": "renewal",
    "letsencrypt/accounts/acme.example.test/directory/1234/regr.json": "{}",
    "letsencrypt/cli.ini": "not taken",
    "letsencrypt/renewal-hooks/deploy/old": "not taken",
}


def packed(path, members):
    """Write a tar.gz of *members*: path -> text, or ``-> TARGET`` for a link."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            if text.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, text[3:]
                tar.addfile(member)
            else:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    return str(path)


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("prefix", ["", "./", "etc/"])
def test_an_archive_as_in_the_talk_is_unpacked(tmp_path, unpacked, prefix):
    members = {prefix + name: text for name, text in GOOD.items()}
    archives.unpack(packed(tmp_path / "a.tar.gz", members), str(unpacked))
    paths = archives.lineage(str(unpacked), NAME)
    with open(paths["chain"]) as chain, open(paths["key"]) as key:
        assert (chain.read(), key.read()) == ("chain", "key")
    assert not (unpacked / "cli.ini").exists()
    assert not (unpacked / "renewal-hooks").exists()


def test_what_is_unpacked_is_roots_alone(tmp_path, unpacked):
    archives.unpack(packed(tmp_path / "a.tar.gz", GOOD), str(unpacked))
    modes = {
        os.lstat(os.path.join(top, name)).st_mode & 0o077 for top, _, files in os.walk(unpacked) for name in files
        if not os.path.islink(os.path.join(top, name))
    }  # fmt: skip
    assert modes == {0}


@pytest.mark.parametrize(
    "members",
    [
        {"letsencrypt/live/../../../etc/passwd": "x"},
        {"letsencrypt/live/x": "-> ../../../etc/passwd"},
        {"letsencrypt/live/x": "-> /etc/shadow"},
        {"letsencrypt/live/x": "-> ../archive", "letsencrypt/live/x/../../../y": "x"},
    ],
)
def test_a_member_that_climbs_is_refused(tmp_path, unpacked, members):
    with pytest.raises(archives.ArchiveError):
        archives.unpack(packed(tmp_path / "a.tar.gz", members), str(unpacked))
    assert not (tmp_path / "etc").exists()


def test_a_member_larger_than_any_certificate_is_refused(tmp_path, unpacked):
    """The whole of a member is in root's memory at once."""
    members = {f"letsencrypt/archive/{NAME}/privkey1.pem": "k" * ((1 << 20) + 1)}
    with pytest.raises(archives.ArchiveError, match="privkey1.pem, a file of 1048577 bytes"):
        archives.unpack(packed(tmp_path / "x.tar.gz", members), str(unpacked))


def test_a_broken_archive_is_refused(tmp_path, unpacked):
    path = packed(tmp_path / "a.tar.gz", GOOD)
    with open(path, "r+b") as file:
        file.truncate(200)
    with pytest.raises(archives.ArchiveError, match="cannot be read"):
        archives.unpack(path, str(unpacked))


def test_an_archive_of_another_name_says_whose_it_is(tmp_path, unpacked):
    archives.unpack(packed(tmp_path / "a.tar.gz", GOOD), str(unpacked))
    with pytest.raises(archives.ArchiveError, match=f"has certificates for {NAME}"):
        archives.lineage(str(unpacked), "other.example.test")


def test_what_the_host_has_stays(tmp_path, unpacked):
    archives.unpack(packed(tmp_path / "a.tar.gz", GOOD), str(unpacked))
    host = tmp_path / "letsencrypt"
    (host / "renewal").mkdir(parents=True)
    (host / "renewal" / f"{NAME}.conf").write_text("the host's")
    moved = archives.move_into(str(unpacked), str(host))
    assert (host / "renewal" / f"{NAME}.conf").read_text() == "the host's"
    assert (host / "live" / NAME / "fullchain.pem").read_text() == "chain"
    assert f"renewal/{NAME}.conf" not in moved
