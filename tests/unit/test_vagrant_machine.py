"""Salt's configuration from what Vagrant says of the machine, and the certificate for it."""

import datetime
import subprocess
from pathlib import Path

import mattermost_letsencrypt_certificate as certificates
import mattermost_settings_form
import pytest
import yaml
from cryptography import x509

from tests import repository
from tools.vagrant import authority, machine

SAID = """\
Host default
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/home/some one/.vagrant.d/insecure_private_keys/vagrant.key.ed25519"
  IdentityFile /home/me/.vagrant.d/insecure_private_keys/vagrant.key.rsa
  IdentitiesOnly yes
  LogLevel FATAL
"""
KEYS = [
    "/home/some one/.vagrant.d/insecure_private_keys/vagrant.key.ed25519",
    "/home/me/.vagrant.d/insecure_private_keys/vagrant.key.rsa",
]
CHECKOUT = yaml.safe_load(repository.text(Path("etc/salt/master")))


def test_the_roster_is_the_machine_that_vagrant_names():
    assert machine.roster(machine.ssh_config(SAID)) == {
        "mattermost.test": {"host": "127.0.0.1", "port": 2222, "user": "vagrant", "priv": KEYS[0], "sudo": True}
    }


def test_root_needs_no_sudo():
    assert (
        "sudo" not in machine.roster(machine.ssh_config(SAID.replace("User vagrant", "User root")))["mattermost.test"]
    )


@pytest.mark.parametrize("said", ["", SAID + SAID.replace("default", "other")])
def test_no_machine_or_several_are_refused(said):
    with pytest.raises(machine.MachineError, match="no machine, or several"):
        machine.ssh_config(said)


def test_what_is_missing_is_named():
    with pytest.raises(machine.MachineError, match="nothing about: port"):
        machine.ssh_config(SAID.replace("  Port 2222\n", ""))


def master_configuration(keys=KEYS):
    return machine.master(CHECKOUT, "/checkout", "/checkout/.vagrant/salt", ".vagrant/salt", keys)


def test_the_checkouts_own_roster_pillar_and_known_hosts_are_not_used():
    text = yaml.safe_dump(master_configuration())
    for own in ("/checkout/roster", "/checkout/pillar", "/checkout/known_hosts", "/checkout/.salt", "=known_hosts"):
        assert own not in text


def test_the_code_is_the_checkouts():
    config = master_configuration()
    assert config["file_roots"] == {"base": ["/checkout/salt", "/checkout/.vagrant/salt/files"]}
    assert config["states_dirs"] == ["/checkout/salt/_states"]


def test_what_the_checkouts_configuration_says_besides_is_kept():
    config = master_configuration()
    kept = [name for name in CHECKOUT if not name.endswith(machine.PATH_OPTIONS) and name != "ssh_options"]
    assert "ssh_minion_opts" in kept
    assert {name: config[name] for name in kept} == {name: CHECKOUT[name] for name in kept}
    assert "ControlMaster=auto" in config["ssh_options"]


def test_each_option_of_ssh_is_given_once_and_further_keys_are_offered():
    options = master_configuration()["ssh_options"]
    names = [option.split("=")[0] for option in options]
    assert len(names) == len(set(names))
    assert "StrictHostKeyChecking=accept-new" in options
    assert f"IdentityFile={KEYS[1]}" in options
    assert not any(option.startswith("IdentityFile") for option in master_configuration(KEYS[:1])["ssh_options"])


def test_the_checkouts_configuration_is_left_as_it_is():
    before = yaml.safe_dump(CHECKOUT)
    master_configuration()
    assert yaml.safe_dump(CHECKOUT) == before


def test_the_settings_are_valid_and_the_users_win():
    schema = yaml.safe_load(repository.text(Path("salt/mattermost/schema.yaml")))
    own = {"mattermost": {"email": "me@example.org", "certificate": {"key": "salt://mine/key.pem"}}}
    chosen = machine.settings("192.168.56.10", "/authority.pem", own)["mattermost"]
    assert mattermost_settings_form.faults(schema, chosen) == []
    assert chosen["email"] == "me@example.org"
    assert chosen["certificate"] == {
        "source": "files",
        "chain": "salt://machine/chain.pem",
        "key": "salt://mine/key.pem",
    }


def test_a_certificate_that_the_deployment_takes_is_made_once(tmp_path):
    assert authority.ensure(tmp_path, machine.NAME) is True
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificates.check(str(chain), str(key), machine.NAME, datetime.datetime.now().timestamp())
    assert key.stat().st_mode & 0o777 == 0o600
    before = chain.read_bytes()
    assert authority.ensure(tmp_path, machine.NAME) is False
    assert chain.read_bytes() == before
    assert authority.ensure(tmp_path, "another.test") is True


def test_a_certificate_near_its_end_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "VALID_DAYS", authority.RENEW_DAYS - 1)
    authority.ensure(tmp_path, machine.NAME)
    monkeypatch.undo()
    assert authority.ensure(tmp_path, machine.NAME) is True


def test_the_authority_vouches_for_this_name_and_no_other(tmp_path):
    authority.ensure(tmp_path, machine.NAME)
    for name, accepted in ((machine.NAME, True), ("bank.example", False)):
        verify = ["openssl", "verify", "-CAfile", "authority.pem", "-verify_hostname", name, "chain.pem"]
        assert (subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode == 0) is accepted
    root = x509.load_pem_x509_certificate((tmp_path / "authority.pem").read_bytes())
    limits = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert [name.value for name in limits.value.permitted_subtrees] == [machine.NAME]


def test_the_authoritys_key_is_not_kept(tmp_path):
    authority.ensure(tmp_path, machine.NAME)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["authority.pem", "chain.pem", "key.pem"]
    assert authority.make(machine.NAME)[2].count(b"PRIVATE KEY") == 2  # one key, begin and end: the server's
