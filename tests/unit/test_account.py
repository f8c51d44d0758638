"""mattermost_account.first_admin: sign-up opens only once an account exists, and accounts are never touched after."""

import json
import os
import re

import mattermost_account_core as core
import mattermost_config_file as files
import pytest

from tests.fake_server import FakeServer
from tests.states import load_state


class Host:
    def __init__(self, root):
        self.root, self.server = root, None
        self.paths = {name: str(root / name) for name in ("settings", "work", "run")}
        for path in self.paths.values():
            os.makedirs(path)
        self.file = root / "config.json"
        self.login = root / "settings" / "first-admin-login"

    def start(self, is_open=False, **config):
        config = {
            "TeamSettings": {"EnableUserCreation": is_open}, "EmailSettings": {"RequireEmailVerification": False}, **config,
        }  # fmt: skip
        self.file.write_text(json.dumps(config))
        self.server = FakeServer(self.root / "run" / "local.socket", self.file)
        return self.server

    def apply(self, test=False, create=True, wish=None, local_mode=True):
        config = {} if wish is None else {"TeamSettings": {"EnableUserCreation": wish}}
        admin = {"create": create, "username": "admin", "email": "admin@example.test"}
        state = load_state("mattermost_account", test)
        server = {"admin": admin, "config": config, "local_mode": local_mode}
        return state.first_admin(str(self.login), self.paths, server)

    @property
    def is_open(self):
        return self.server.config["TeamSettings"]["EnableUserCreation"]


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    yield made
    if made.server:
        made.server.close()


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="the file belongs to root")


@root_only
def test_the_administrator_is_made_first_and_sign_up_opens_after(host):
    server = host.start()
    ret = host.apply()
    assert ret["result"] is True
    assert [user["username"] for user in server.users] == ["admin"]
    assert "system_admin" in server.users[0]["roles"]
    assert host.is_open is True
    order = [path for _method, path in server.requests]
    assert order.index("users") < order.index("config/patch")


@root_only
def test_the_password_is_in_a_root_only_file_and_nowhere_else(host):
    server = host.start()
    ret = host.apply()
    password = server.users[0]["password"]
    assert f"password: {password}\n" in host.login.read_text()
    assert os.stat(host.login).st_mode & 0o777 == 0o600
    assert str(host.login) in ret["comment"]
    assert password not in str(ret)


@root_only
def test_an_open_server_without_accounts_is_closed_first(host):
    server = host.start(is_open=True)
    host.apply()
    patches = [index for index, (_method, path) in enumerate(server.requests) if path == "config/patch"]
    made = server.requests.index(("POST", "users"))
    assert patches[0] < made < patches[1]
    assert host.is_open is True


@root_only
@pytest.mark.parametrize("change", [{}, {"username": "renamed"}, {"delete_at": 5}])
def test_later_runs_touch_no_account(host, change):
    server = host.start()
    host.apply()
    server.users[0].update(change)
    before = [dict(user) for user in server.users]
    server.requests.clear()
    ret = host.apply()
    assert (ret["result"], ret["changes"]) == (True, {})
    assert server.users == before
    assert {method for method, _path in server.requests} == {"GET"}


@root_only
def test_an_administrator_may_close_sign_up_in_the_console(host):
    server = host.start()
    host.apply()
    server.config["TeamSettings"]["EnableUserCreation"] = False
    assert host.apply()["changes"] == {}
    assert host.is_open is False


@root_only
def test_the_settings_decide_when_they_say(host):
    host.start()
    host.apply(wish=False)
    assert host.is_open is False
    assert len(host.server.users) == 1
    assert host.apply(wish=True)["changes"] == {"TeamSettings.EnableUserCreation": {"old": False, "new": True}}


def test_without_an_account_to_make_sign_up_stays_closed_until_there_is_one(host):
    server = host.start()
    ret = host.apply(create=False, wish=True)
    assert (ret["result"], ret["changes"]) == (True, {})
    assert "Sign-up is closed" in ret["comment"]
    assert host.is_open is False
    server.users.append({"id": "x", "username": "someone", "roles": "system_admin"})
    host.apply(create=False)
    assert host.is_open is True


@pytest.mark.parametrize(("result", "is_open"), [("done", False), ("failed", True)])
def test_sign_up_that_a_restored_backup_has_closed_stays_closed(host, result, is_open):
    server = host.start()
    host.apply(create=False)  # a bare host: nobody is there, and nobody is to be made
    report = host.root / "work/backup/restore-report"
    report.parent.mkdir()
    report.write_text(f"result={result}\nreason=x\n")
    server.users.append({"id": "x", "username": "of-the-backup", "roles": "system_admin"})
    host.apply(create=False)
    assert host.is_open is is_open


def test_sign_up_that_a_moved_or_imported_server_has_closed_stays_closed(host):
    server = host.start()
    host.apply(create=False)
    (host.root / "work/received").touch()
    server.users.append({"id": "x", "username": "of-the-old-host", "roles": "system_admin"})
    host.apply(create=False)
    assert host.is_open is False


def test_what_the_server_says_makes_no_endless_password():
    assert len(core.new_password(10**12)) == core.MOST
    assert len(core.new_password("long")) == core.LENGTH


@root_only
def test_bots_of_plugins_are_no_people(host):
    server = host.start()
    server.users.append({"id": "b", "username": "bot", "is_bot": True, "roles": "system_user"})
    host.apply()
    assert [user["username"] for user in server.users] == ["bot", "admin"]


@root_only
def test_a_run_that_died_after_the_account_was_made_is_finished(host):
    server = host.start()
    server.users.append({"id": "x", "username": "admin", "roles": "system_admin system_user"})
    ret = host.apply()
    assert ret["changes"] == {"TeamSettings.EnableUserCreation": {"old": False, "new": True}}
    assert len(server.users) == 1


@root_only
def test_a_password_kept_by_a_run_that_died_is_used_again(host):
    host.start().refuse.add("users")
    assert host.apply()["result"] is False
    kept = core.password_in(host.login.read_text(), "admin")
    assert kept
    host.server.refuse.clear()
    host.apply()
    assert host.server.users[0]["password"] == kept


def test_test_mode_makes_nothing(host):
    server = host.start()
    ret = host.apply(test=True)
    assert ret["result"] is None
    assert "account" in ret["changes"]
    assert server.users == []
    assert not host.login.exists()


def test_without_a_server_test_mode_answers_and_a_run_fails(host):
    assert host.apply(test=True)["result"] is None
    ret = host.apply()
    assert ret["result"] is False
    assert "local.socket" in ret["comment"]


def test_without_the_socket_nothing_can_be_seen(host):
    assert host.apply(local_mode=False)["result"] is False
    files.Note(host.paths["work"]).keep(opened=True)
    assert host.apply(local_mode=False)["result"] is True


@root_only
@pytest.mark.parametrize("least", [60, 72])
def test_a_server_that_wants_a_longer_password_than_the_kept_one_gets_a_new_one(host, least):
    host.login.write_text(core.password_file("admin", "admin@example.test", "Of-An-Earlier-Run-1"))
    server = host.start(PasswordSettings={"MinimumLength": least})
    assert host.apply()["result"] is True
    password = server.users[0]["password"]
    assert least <= len(password) <= 72
    assert password == core.password_in(host.login.read_text(), "admin")


def test_passwords_have_every_kind_of_sign_and_differ():
    made = {core.new_password() for _ in range(20)}
    assert len(made) == 20
    for password in made:
        assert len(password) == core.LENGTH
        assert all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
