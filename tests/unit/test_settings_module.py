"""mattermost_settings.get as a minion has it: what it asks the file server for, what it keeps from a command's answer, what it refuses."""

import sys
import types

import mattermost_settings_core as core
import mattermost_settings_data as data
import pytest
import yaml

from tests.render import compiler
from tests.states import load_state

PEM = "-----BEGIN CERTIFICATE-----\n"
WITHOUT = {"missing": None, "too old": types.ModuleType("jsonschema")}


def minion(pillar, served=lambda url, env: str(compiler.ROOT / "salt" / url.removeprefix("salt://"))):
    module = load_state("mattermost_settings", folder="_modules", modules={"cp.cache_file": served})
    module.__context__, module.__pillar__, module.__grains__ = {}, pillar, compiler.GRAINS["Debian-12"]
    module.__opts__ = {"id": "chat.example.test", "cachedir": "/nonexistent"}
    return module


def merged(settings, **options):
    return minion({"mattermost": settings}, **options).get()


def test_each_data_file_is_asked_for_once_a_job():
    asked = []
    host = minion({}, lambda url, env: asked.append(url) or str(compiler.ROOT / "salt" / url.removeprefix("salt://")))
    assert host.get() == host.get()
    assert asked == [f"salt://mattermost/{name}.yaml" for name in data.NAMES]


def test_a_file_server_without_the_tree_is_named():
    with pytest.raises(core.SettingsError, match="Salt's file server has no salt://mattermost/schema.yaml"):
        merged({}, served=lambda url, env: False)


def test_the_controller_is_no_host_that_is_deployed():
    host = minion({})
    host.__opts__["__role"] = "master"
    with pytest.raises(core.SettingsError, match="applied to hosts, not to the controller"):
        host.get()


def test_what_the_command_asks_for_comes_with_the_settings():
    got = minion({"remove": {"confirm": "x"}, "renew": True}).get()
    assert (got["remove"], got["renew"]) == ({"confirm": "x"}, True)
    assert got["bundle"]["version"] == yaml.safe_load((compiler.TREE / "bundle.yaml").read_text())["version"]


def test_a_command_gets_no_secret_and_an_sls_gets_them():
    config = {"FileSettings": {"AmazonS3SecretAccessKey": "s3cret"}}
    given = {"mail": {"password": "s3cret"}, "server": {"environment": {"MM_X": "s3cret"}, "config": config}}
    host = minion({"mattermost": given})
    assert str(host.get()).count("s3cret") == 3
    answer = host.get(__pub_fun="mattermost_settings.get")
    assert "s3cret" not in str(answer)
    assert answer["mail"]["password"] == "(hidden)"
    assert answer["database"]["password"] == ""


def test_a_fault_reads_the_same_in_the_types_in_which_a_minion_has_its_pillar():
    secret = pytest.importorskip("salt.utils.secret")
    given = {"mail": {"server": {"a": "b"}}}
    with pytest.raises(core.SettingsError) as plain:
        merged(given)
    with pytest.raises(core.SettingsError) as masked:
        minion(secret.hide({"mattermost": given})).get()
    assert (
        masked.value.faults
        == plain.value.faults
        == ["mattermost:mail:server must be of type string, not dict {'a': 'b'}."]
    )


def test_the_authoritys_root_is_a_served_file_or_the_text_itself(tmp_path):
    (tmp_path / "root.pem").write_text(PEM)

    def served(url, env):
        return (
            str(tmp_path / "root.pem")
            if url == "salt://mattermost/local/root.pem"
            else str(compiler.TREE / url.split("/")[-1])
        )

    for given in (PEM, "salt://mattermost/local/root.pem"):
        assert merged({"letsencrypt": {"ca_file": given}}, served=served)["letsencrypt"]["ca_pem"] == PEM


def test_a_path_of_the_controller_is_refused_on_a_minion(tmp_path):
    (tmp_path / "root.pem").write_text(PEM)
    with pytest.raises(core.SettingsError, match="letsencrypt:ca_file is .*root.pem, a path on the controller"):
        merged({"letsencrypt": {"ca_file": str(tmp_path / "root.pem")}})


def test_text_that_is_no_certificate_is_no_name_of_a_file_either():
    with pytest.raises(
        core.SettingsError, match="does not have the required form .the path of a file, or the text of a certificate"
    ):
        merged({"letsencrypt": {"ca_file": "root.pem\n"}})


def test_the_controller_finds_the_authoritys_root_in_its_file_roots(tmp_path):
    (tmp_path / "root.pem").write_text(PEM)
    assert data.place("salt://root.pem", ["salt", str(tmp_path)]) == str(tmp_path / "root.pem")


@pytest.mark.parametrize("module", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize(("onedir", "pip"), [(True, "salt-pip"), (False, f"{sys.executable} -m pip")])
def test_settings_that_cannot_be_checked_are_refused_with_the_command_that_helps(monkeypatch, module, onedir, pip):
    monkeypatch.setitem(sys.modules, "jsonschema", module)
    if onedir:
        monkeypatch.setattr(sys, "RELENV", "/opt/saltstack/salt", raising=False)
    with pytest.raises(core.SettingsError) as caught:
        merged({})
    assert caught.value.faults[0].endswith(f"{pip} install 'jsonschema>=4'")


def test_the_values_in_a_mapping_of_secrets_are_secrets_too():
    schema = data.load(["salt"])["schema"]
    environment = {"MM_EMAILSETTINGS_SMTPPASSWORD": "hunter22", "MM_LOGSETTINGS_ENABLEFILE": "true"}
    given = {"server": {"environment": environment}, "backup": {"environment": {}, "password": ""}, "name": "x"}
    assert data.secrets(schema, given) == ["hunter22"]


def test_a_run_merges_once_for_all_its_sls_and_each_gets_its_own(monkeypatch):
    host, merges, merge = minion({"mattermost": {"email": "a@example.test"}}), [], core.merge
    monkeypatch.setattr(core, "merge", lambda *given: merges.append(given) or merge(*given))
    host.get()["release"]["version"] = "changed"
    assert host.get()["release"]["version"] != "changed"
    assert len(merges) == 1
    host.__pillar__["mattermost"]["email"] = "b@example.test"
    assert (host.get()["email"], len(merges)) == ("b@example.test", 2)
