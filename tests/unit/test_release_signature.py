"""An archive without a known checksum is taken by the signature of the pinned key alone, and by nothing that looks like it."""

import datetime
import shutil

import mattermost_release_signature as signature
import pytest
from mattermost_release_facts import ReleaseError
from salt.exceptions import CommandExecutionError

from tests.lab.signer import Signer
from tests.states import load_state

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg") or not shutil.which("gpgv"), reason="NO GPG: install gnupg and gpgv."
)
NAME = "mattermost-team-11.7.15-linux-amd64.tar.gz"
# a release that the vendor lists and whose sum nobody knows
LISTED = {
    "version": "11.7.15",
    "line": "11.7",
    "pinned": False,
    "sha256": "",
    "known_by": "listed",
    "arch": "amd64",
    "edition": "team",
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {who: Signer(folder, who) for who in ("vendor", "other")}


@pytest.fixture
def site(tmp_path, keys):
    """Files as the vendor has them, and settings that name them."""
    made = tmp_path / "site"
    made.mkdir()
    (made / NAME).write_bytes(b"an archive")
    keys["vendor"].sign(made / NAME, made / f"{NAME}.sig")
    keys["vendor"].key(made / "key")
    return made


def settings(site, keys):
    return {
        "source": f"file://{site / NAME}",
        "signature": f"file://{site / NAME}.sig",
        "key": f"file://{site / 'key'}",
        "key_fingerprint": keys["vendor"].fingerprint,
    }


def bring(site, keys, tmp_path, **over):
    return signature.archive({**settings(site, keys), **over}, NAME, str(tmp_path))


def test_the_vendors_signature_is_enough(site, keys, tmp_path):
    assert bring(site, keys, tmp_path) == str(site / NAME)


def test_the_key_may_be_binary_and_others_may_stand_beside_it(site, keys, tmp_path):
    both = (
        keys["other"].key(tmp_path / "a", armour=False).read_bytes()
        + keys["vendor"].key(tmp_path / "b", armour=False).read_bytes()
    )
    (site / "key").write_bytes(both)
    assert bring(site, keys, tmp_path)


FAULTS = {
    "another archive": (lambda site, keys: (site / NAME).write_bytes(b"another"), "the signature belongs to another file"),
    "no signature": (lambda site, keys: (site / f"{NAME}.sig").unlink(), "The signature .* does not exist"),
    "an empty signature": (lambda site, keys: (site / f"{NAME}.sig").write_bytes(b""), "is not valid"),
    "a web page": (lambda site, keys: (site / f"{NAME}.sig").write_bytes(b"<html>Not found</html>"), "is not valid"),
    "another key's": (lambda site, keys: keys["other"].sign(site / NAME, site / f"{NAME}.sig"), "another key signed the archive"),
    "another key in its place": (
        lambda site, keys: (keys["other"].key(site / "key"), keys["other"].sign(site / NAME, site / f"{NAME}.sig")), "not the pinned"),
    "another key beside it": (
        lambda site, keys: ((site / "key").write_bytes(b"".join(keys[who].key(site / who, False).read_bytes() for who in keys)),
                            keys["other"].sign(site / NAME, site / f"{NAME}.sig")), "not the pinned"),
    "no key": (lambda site, keys: (site / "key").write_bytes(b"<html>"), "is not valid"),
    "a huge key": (lambda site, keys: (site / "key").write_bytes(b" " * (2 << 20)), "is not a key"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_nothing_else_is_and_the_way_out_is_said(site, keys, tmp_path, spoil, words):
    spoil(site, keys)
    with pytest.raises(ReleaseError, match=words) as refused:
        bring(site, keys, tmp_path)
    assert "mattermost:release:sha256" in str(refused.value)


def test_an_expired_key_is_refused_and_the_renewed_one_with_the_same_fingerprint_is_taken(site, keys, tmp_path):
    made = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=400)
    old = Signer(tmp_path, "old", "seconds=864000", f"{made:%Y%m%dT%H%M%S}!")
    old.sign(site / NAME, site / f"{NAME}.sig")
    old.key(site / "key")
    with pytest.raises(ReleaseError, match="the signing key has expired, also in the copy that was just downloaded"):
        bring(site, keys, tmp_path, key_fingerprint=old.fingerprint)
    old.clock = []
    old.gpg("--quick-set-expire", old.fingerprint, "2y")
    old.key(site / "key")
    assert bring(site, keys, tmp_path, key_fingerprint=old.fingerprint)


def test_an_archive_on_the_controller_is_refused(site, keys, tmp_path):
    with pytest.raises(ReleaseError, match="Set mattermost:release:sha256"):
        bring(site, keys, tmp_path, source="/home/a/x.tar.gz")


def without_gpgv(monkeypatch, install):
    """Return the state module on a host that lacks gpgv, where *install* takes the place of ``pkg.install``."""
    state = load_state("mattermost_release", modules={"pkg.install": install})
    monkeypatch.setattr(state.shutil, "which", lambda name: None)
    monkeypatch.setattr(state.tree, "host_glibc", lambda: "2.36")
    return state


def test_a_state_installs_gpgv_where_it_is_missing_and_opens_nothing_unproved(site, keys, tmp_path, monkeypatch):
    asked = []
    state = without_gpgv(monkeypatch, asked.append)
    for opening in ("lay_out", "move_in"):
        monkeypatch.setattr(state.tree, opening, lambda *words, **more: asked.append("unpacked"))
    (site / NAME).write_bytes(b"another")
    (tmp_path / "opt").mkdir()
    release = {**LISTED, **settings(site, keys)}
    done = state.unpacked(str(tmp_path / "opt"), release, str(tmp_path / "work"), "nobody", gpgv="gpgv")
    assert done["result"] is False
    assert "the signature belongs to another file" in done["comment"]
    assert asked == ["gpgv"]


def test_a_host_that_cannot_install_gpgv_says_what_else_proves_a_release(tmp_path, monkeypatch):
    def refuse(name):
        raise CommandExecutionError(f"Unable to locate package {name}")

    state = without_gpgv(monkeypatch, refuse)
    release = {**LISTED, "source": "https://example.test/x", "signature": "https://example.test/x.sig"}
    (tmp_path / "opt").mkdir()
    done = state.unpacked(str(tmp_path / "opt"), release, str(tmp_path / "work"), "nobody", gpgv="gpgv")
    assert done["result"] is False
    assert "Unable to locate package gpgv. Set mattermost:release:sha256" in done["comment"]
