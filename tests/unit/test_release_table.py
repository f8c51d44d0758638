"""A release's checksum goes into the table only after a look at the archive, with what it was proved by."""

import functools
import hashlib
import http.server
import io
import re
import shutil
import ssl
import subprocess
import tarfile
import threading

import mattermost_release_core as core
import pytest

from tests.unit import fake_site
from tools.release import __main__ as program
from tools.release import archive

VERSION = "11.8.6"
NAME = f"mattermost-team-{VERSION}-linux-amd64.tar.gz"
A, B, C, D = (letter * 64 for letter in "abcd")
TABLE = f"""# What this is.
amd64:
  11.10.1: {A}
  # about the next
  11.8.5: {B}  # a remark
  9.11.0: {C}
arm64:
  11.7.0: {D}
"""
SUM = "e" * 64
FILES = {
    "bin/mattermost": b"\x7fELF GLIBC_2.4 GLIBC_2.17\0...11.8.6...",
    "bin/mmctl": b"\x7fELF GLIBC_2.14\0",
    "config/config.json": b"{}",
    "client/root.html": b"<p>",
    "i18n/en.json": b"[]",
    "templates/a.html": b"x",
    "MIT-COMPILED-LICENSE.md": b"MIT",
}


def release(path, files=None, **changed):
    """Write an archive of *files* to *path*; a changed file that is None is left out."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {**FILES, **(files or {})}.items():
            if content is not None:
                info = tarfile.TarInfo(f"mattermost/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- the archive --


def test_an_archive_is_looked_at(tmp_path):
    assert archive.inspect(release(tmp_path / "a"), VERSION) == archive.Contents(len(FILES), "2.17")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ENTERPRISE-EDITION-LICENSE.txt": b"EE"}, "Enterprise Edition"),
        ({"client/root.html": None}, "does not contain mattermost/client/root.html"),
        ({"bin/mattermost": b"\x7fELF GLIBC_2.17 11.8.5"}, "No program in the archive contains the version number 11.8.6"),
        ({"bin/mattermost": b"\x7fELF GLIBC_2.34 11.8.6"}, "need glibc 2.34"),
        ({"../etc/passwd": b"x"}, "outside its directory"),
    ],
)  # fmt: skip
def test_a_wrong_archive_is_refused(tmp_path, files, words):
    with pytest.raises(core.ReleaseError, match=re.escape(words)):
        archive.inspect(release(tmp_path / "a", files), VERSION)


def test_a_cut_archive_is_refused(tmp_path):
    whole = release(tmp_path / "a", {"bin/mattermost": bytes(range(256)) * 5000 + b"11.8.6"}).read_bytes()
    (tmp_path / "b").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(core.ReleaseError, match="is damaged or incomplete"):
        archive.inspect(tmp_path / "b", VERSION)


def test_what_lies_across_two_chunks_is_found(tmp_path):
    padding = b"x" * (archive._CHUNK - 3)
    found = archive.inspect(release(tmp_path / "a", {"bin/mattermost": padding + b"\0GLIBC_2.17\0 11.8.6 "}), VERSION)
    assert found.glibc == "2.17"


PAGE = f"""
Enterprise <a href="https://releases.mattermost.com/11.8.6/mattermost-11.8.6-linux-amd64.tar.gz?src=arc">Download</a>
<li>SHA-256 Checksum: <code>{"1" * 64}</code></li>
Team <a href="https://releases.mattermost.com/11.8.6/{NAME}?src=arc">Download</a>
<li><code>https://releases.mattermost.com/11.8.6/{NAME}</code></li><li>SHA-256 Checksum: <code>{SUM}</code></li>
<li>GPG Signature: https://releases.mattermost.com/11.8.6/{NAME}.sig</li>
Team <a href="https://releases.mattermost.com/11.8.5/mattermost-team-11.8.5-linux-amd64.tar.gz">Download</a>
<li>SHA-256 Checksum: <code>{"2" * 64}</code></li>
"""


# -- all of it, against a small mirror over HTTPS --


@pytest.fixture
def mirror(tmp_path):
    """A folder that is served over HTTPS by a CA of its own; its address and the CA's file."""
    ca = fake_site.certificate("Mirror CA")
    leaf = fake_site.certificate("localhost", ca)
    folder = tmp_path / "mirror"
    folder.mkdir()
    chain, ca_file = tmp_path / "chain.pem", tmp_path / "ca.pem"
    chain.write_text(fake_site.pem(leaf[0]) + key_of(leaf))
    ca_file.write_text(fake_site.pem(ca[0]))
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"https://localhost:{server.server_port}", ca_file
    server.shutdown()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def key_of(pair):
    from cryptography.hazmat.primitives import serialization

    plain = serialization.NoEncryption()
    return pair[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


@pytest.fixture
def add(mirror, tmp_path):
    """Run `make release` against the mirror; returns its exit status and the table afterwards."""
    folder, url, ca_file = mirror
    release(folder / NAME)
    (folder / "page").write_text(PAGE.replace(SUM, sha256(folder / NAME)))
    target = tmp_path / "releases.yaml"
    target.write_text(TABLE)

    def act(*more, version=VERSION):
        given = [
            "--source",
            f"{url}/{NAME}",
            "--page",
            f"{url}/page",
            "--ca-file",
            str(ca_file),
            "--table",
            str(target),
        ]
        rc = program.main([version, *given, *more], pause=lambda seconds: None)
        return rc, target.read_text()

    act.folder = folder
    return act


def test_a_release_that_the_vendors_page_lists_is_added(add, capsys):
    rc, made = add()
    assert rc == 0
    (row,) = [line for line in made.splitlines() if VERSION in line]
    assert row.startswith(f"  {VERSION}: {sha256(add.folder / NAME)}  # 20")
    assert row.endswith(": the vendor's page lists this checksum")
    assert made.replace(row + "\n", "") == TABLE
    assert "not checked, because KEY=" in capsys.readouterr().out
    assert add() == (0, made)  # again: there already


def test_a_page_that_lists_another_sum_ends_it(add, capsys):
    (add.folder / "page").write_text(PAGE)
    assert add() == (1, TABLE)
    assert "the vendor's page lists eee" in capsys.readouterr().err
    rc, made = add("--sha256", sha256(add.folder / NAME))
    assert rc == 0
    assert made.splitlines()[3].endswith(": the checksum was given (SHA256=)")


def test_a_given_sum_that_is_another_ends_it(add):
    assert add("--sha256", SUM) == (1, TABLE)


def test_what_nobody_vouches_for_is_added_only_when_told_and_says_so(add, capsys):
    (add.folder / "page").unlink()
    assert add() == (1, TABLE)
    assert "TRUST_FIRST=yes" in capsys.readouterr().err
    rc, made = add("--trust-first-download")
    assert rc == 0
    assert "not confirmed by the vendor (TRUST_FIRST=yes)" in made


def test_another_archive_under_a_known_version_ends_it(add, capsys):
    assert add("--trust-first-download", version="11.8.5") == (1, TABLE)
    assert "one of these two checksums is not the vendor's" in capsys.readouterr().err


def test_a_wrong_archive_is_not_added_whoever_vouches_for_it(add, capsys):
    release(add.folder / NAME, {"ENTERPRISE-EDITION-LICENSE.txt": b"EE"})
    assert add("--sha256", sha256(add.folder / NAME), "--page", "/dev/null") == (1, TABLE)
    assert "Enterprise Edition" in capsys.readouterr().err


def test_an_authority_that_is_not_trusted_ends_it(add):
    assert add("--ca-file", "") == (1, TABLE)


@pytest.mark.parametrize("arguments", [("--source", "http://localhost/x"), ("--source", "/nowhere")])
def test_only_https_and_files_are_sources(add, arguments, capsys):
    assert add(*arguments) == (1, TABLE)
    assert "neither an https:// address nor a file" in capsys.readouterr().err


@pytest.fixture
def signing(tmp_path):
    """Make a key and return (sign, public key file); skips without gpg."""
    if not shutil.which("gpg"):
        pytest.skip("NO GPG: signatures were not tried.")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    base = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
    subprocess.run([*base, "--quick-generate-key", "vendor@example.test", "ed25519"], check=True, capture_output=True)
    public = tmp_path / "vendor.asc"
    public.write_bytes(subprocess.run([*base, "--armor", "--export"], check=True, capture_output=True).stdout)
    yield lambda path: subprocess.run([*base, "--detach-sign", str(path)], check=True, capture_output=True), public
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True)


def test_a_signature_by_the_given_key_is_a_proof(add, signing):
    sign, public = signing
    (add.folder / "page").unlink()
    sign(add.folder / NAME)
    rc, made = add("--key", str(public))
    assert rc == 0
    assert re.search(rf"^  {VERSION}: .*: signed by [0-9A-F]{{40}}$", made, re.MULTILINE)


def test_a_signature_of_other_bytes_ends_it(add, signing, capsys):
    sign, public = signing
    other = release(add.folder / "other", {"templates/a.html": b"y"})
    sign(other)
    shutil.move(f"{other}.sig", f"{add.folder / NAME}.sig")
    assert add("--key", str(public)) == (1, TABLE)
    assert "has no valid signature by the key" in capsys.readouterr().err


def test_a_key_file_without_a_key_ends_it(add, signing, tmp_path, capsys):
    sign, _ = signing
    sign(add.folder / NAME)
    (tmp_path / "empty").write_text("")
    assert add("--key", str(tmp_path / "empty")) == (1, TABLE)
    assert "gpg cannot read a public key from" in capsys.readouterr().err
