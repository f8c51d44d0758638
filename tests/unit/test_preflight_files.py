"""Files on the controller that the settings name: looked at before any host is changed."""

import errno

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from cryptography.hazmat.primitives import serialization
from mattermost_controller.preflight import files

from tests.unit import fake_site
from tests.unit.verify_facts import GRAINS

DATA = mattermost_settings_data.load(["salt"])


def settings(pillar=None):
    return core.merge(
        DATA, core.deep_merge({"email": "admin@example.test"}, pillar or {}), {}, GRAINS, "chat.example.test"
    )


PKCS8, PLAIN = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def own(tmp_path, name="chat.example.test", age=1, key_of=None, form=PKCS8, encryption=PLAIN):
    """Settings and roots with a certificate of the user's own."""
    local = tmp_path / "mattermost" / "local"
    local.mkdir(parents=True)
    leaf = fake_site.certificate(name, fake_site.certificate("Own CA"), days=90, age=age)
    local.joinpath("chain.pem").write_text(fake_site.pem(leaf[0]))
    form = (serialization.Encoding.PEM, form, encryption)
    local.joinpath("key.pem").write_bytes((key_of or leaf)[1].private_bytes(*form))
    chosen = {"source": "files", "chain": "salt://mattermost/local/chain.pem", "key": "salt://mattermost/local/key.pem"}
    return settings({"certificate": chosen}), [str(tmp_path)]


def test_a_good_certificate_of_ones_own_passes(tmp_path):
    seen = files.inspect(*own(tmp_path), "ssl")
    assert seen == {"missing": [], "source_there": True, "certificate_fault": ""}


def test_a_file_that_this_account_cannot_read_is_told_before_anything_is_changed(tmp_path, monkeypatch):
    """The run would end in a trace where the archive is copied, or blame the site for its certificate."""
    archive, ca = tmp_path / "archive.tar.gz", tmp_path / "ca.pem"
    for path in (archive, ca):
        path.touch()
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    wanted = settings({"release": {"source": str(archive)}, "verify": {"ca_file": str(ca)}})
    seen = files.inspect(wanted, [], "ssl")
    assert (seen["source_there"], seen["missing"]) == (False, [("verify:ca_file", str(ca))])
    assert "or this account cannot read it" in files.named_files(wanted, {}, seen).sentence
    assert "or this account cannot read it" in files.source(wanted, {"current": ""}, seen).sentence


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"age": 100}, "has expired"),
        ({"name": "other.example.test"}, "is for other.example.test, not for chat.example.test"),
        ({"key_of": fake_site.certificate("Other")}, "does not belong"),
        ({"encryption": serialization.BestAvailableEncryption(b"secret")}, "no private key without a passphrase"),
    ],
)
def test_a_certificate_of_ones_own_is_looked_at_before_anything_is_changed(tmp_path, monkeypatch, broken, words):
    monkeypatch.setenv("PATH", "")  # the controller needs no openssl for it
    assert words in files.inspect(*own(tmp_path, **broken), "ssl")["certificate_fault"]


def test_a_key_as_openssl_ecparam_writes_it_passes(tmp_path):
    wanted, roots = own(tmp_path, form=serialization.PrivateFormat.TraditionalOpenSSL)
    key = tmp_path / "mattermost/local/key.pem"
    key.write_text("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + key.read_text())
    assert files.inspect(wanted, roots, "ssl")["certificate_fault"] == ""


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    wanted, roots = own(tmp_path)
    (tmp_path / "mattermost/local/chain.pem").write_text("hello")
    fault = files.inspect(wanted, roots, "ssl")["certificate_fault"]
    assert fault == f"{tmp_path}/mattermost/local/chain.pem contains no certificate in PEM format."


def test_a_key_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    wanted, roots = own(tmp_path)

    def refuse(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert "cannot be read: Permission denied." in files.inspect(wanted, roots, "ssl")["certificate_fault"]


def test_a_file_that_the_settings_name_and_nobody_has_is_told_with_its_setting(tmp_path):
    wanted, roots = own(tmp_path)
    (tmp_path / "mattermost/local/key.pem").unlink()
    wanted["verify"]["ca_file"] = str(tmp_path / "no.pem")
    missing = files.inspect(wanted, roots, "ssl")["missing"]
    assert missing == [
        ("verify:ca_file", str(tmp_path / "no.pem")),
        ("certificate:key", "salt://mattermost/local/key.pem"),
    ]


def test_a_certificate_in_place_of_its_files_name_is_no_missing_file():
    wanted = settings({"letsencrypt": {"ca_file": "-----BEGIN CERTIFICATE-----\n"}})
    assert files.inspect(wanted, ["salt"], "ssl")["missing"] == []


def test_own_files_that_are_not_named_are_asked_for():
    assert (
        "must be set to your files"
        in files.inspect(settings({"certificate": {"source": "files"}}), ["salt"], "ssl")["certificate_fault"]
    )


def test_a_local_archive_that_is_not_there_is_seen():
    assert files.inspect(settings({"release": {"source": "no/such.tar.gz"}}), ["salt"], "ssl")["source_there"] is False
