"""A host that is no minion: its minion logs in to it by ssh, and nothing of that goes by the master's bus in the clear."""

import subprocess

import pytest
from mattermost_controller.hosts import beyond, bounded, login, minion, roster
from mattermost_controller.importing import plan as import_plan
from mattermost_controller.moving import by_minion, copying, leading, plan, transfer

from tests import repository

ROOTS = [str(repository.ROOT / "salt")]
OPTS = {"file_roots": {"base": ROOTS}}
ENGINE = {"mattermost": {"engine": "minion"}}
NAMES = ["old.example.com", "new.example.com"]
# logs in to a host where sudo works, as a user who is not root where the file `user` is
SSH = """#!/bin/sh
[ ! -e closed ] || { echo 'Host key verification failed.' >&2; exit 255; }
while [ "$1" != -- ]; do shift; done
echo "$2" >>names
exec /bin/sh -c "$3"
"""
PROGRAMS = {
    "ssh": SSH,
    "sudo": '#!/bin/sh\necho "$1" >>sudo-used\nshift; exec "$@"\n',
    "id": "#!/bin/sh\n[ -e user ] && echo 1000 || echo 0\n",
}


@pytest.fixture
def there(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, text in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("user", ["root", "other"])
def test_a_script_runs_as_root_with_its_input(there, user):
    if user == "other":
        (there / "user").touch()
    host = login.Login("old.example.com")
    assert host.run("x='it'\"'\"'s !'; echo \"$x\"").out == "it's !\n"
    done = host.exchange("printf 'got '\ncat", b"input\n", 10, 1000)
    assert (done.stdout, done.returncode) == (b"got input\n", 0)
    assert host.run("exit 3").rc == 3
    assert (there / "names").read_text().split() == ["old.example.com"] * 3
    assert (there / "sudo-used").exists() == (user == "other")


def test_a_script_with_a_secret_is_in_no_argument():
    assert "secret" not in " ".join(login.command("old.example.com"))


class Through(minion.Minion):
    """Runs what it is asked to run there, and notes each that is not sealed."""

    def connect(self):
        return roster.Result(0, "", "")

    def sealed(self, argv, data, timeout, limit):
        return bounded.run(argv, data, timeout, limit)

    def job(self, function, *_, **__):
        raise AssertionError(f"{function} is in the clear")


@pytest.fixture
def host(there):
    return beyond.Beyond("old.example.com", OPTS, Through("new.example.com", OPTS))


def test_what_it_is_asked_goes_sealed_by_its_minion(host):
    assert host.run("echo a") == roster.Result(0, "a\n", "")
    assert host.exchange("cat", b"b", 10, 100).stdout == b"b"
    endpoint = transfer.Endpoint.__new__(transfer.Endpoint)
    endpoint.host, endpoint.workdir = host, "."
    endpoint.install("f() { echo c; }")
    assert endpoint.run("f") == "c\n"


def test_a_login_that_does_not_work_is_told_with_the_command_to_try(host, there):
    (there / "closed").touch()
    told = "new.example.com cannot log in to old.example.com: Host key verification failed.\nRun on new.example.com as root: `ssh old.example.com true`. That command must end without a question."
    assert host.run("true") == roster.Result(255, "", told)
    (there / "closed").unlink()
    assert host.run("true").rc == 0, "it is tried again"


def test_what_a_login_says_without_an_end_is_cut(host, there):
    (there / "bin/ssh").write_text("#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' x >&2\nexit 255\n")
    assert 300 < len(host.run("true").err) < 1000


def test_the_target_leads_and_nothing_is_opened(host, monkeypatch):
    asked = []

    class Target(Through):
        def letter(self, data):
            return "sealed", b""

        def job(self, function, arguments=(), **_):
            asked.append((function, arguments))
            return {"done": {"summary": "Done."}}

        def run(self, *_, **__):
            return roster.Result(0, "", "")

    source, target = (transfer.Endpoint.__new__(transfer.Endpoint) for _ in range(2))
    source.host, target.host = host, Target("new.example.com", OPTS)
    assert by_minion.step("precopy", source, target, print, ROOTS) == copying.Outcome("Done.")
    assert asked == [("mattermost_moving.lead", ["precopy", *NAMES, {"ssh": "old.example.com"}, "sealed"])]


def test_a_source_behind_a_silent_target_is_not_asked(host):
    gone = minion.NoAnswer("The minion new.example.com does not answer.\nlook.")

    class Target(Through):
        def letter(self, data):
            return "sealed", b""

        def job(self, *_, **__):
            raise gone

        def run(self, *_, **__):
            return roster.Result(0, "", "")

    source, target = (transfer.Endpoint.__new__(transfer.Endpoint) for _ in range(2))
    source.host, target.host = host, Target("new.example.com", OPTS)
    source.run = lambda *_, **__: pytest.fail("the way to it is the target")
    with pytest.raises(
        copying.UnknownState,
        match="old.example.com may already be stopped for good. When new.example.com answers, start the same",
    ):
        by_minion.step("bring", source, target, print, ROOTS)


def test_the_target_logs_in_to_the_source_itself(there, monkeypatch):
    monkeypatch.setattr(leading, "DOOR", str(there / "door"))
    monkeypatch.setattr(leading, "PROGRESS", str(there / "progress"))
    monkeypatch.setattr(transfer, "WORKDIR", str(there))
    (there / "library").write_text("f() { echo from there; }\n")

    def step(source, target, say):
        source.workdir = str(there)
        return copying.Outcome(source.run("f").strip())

    monkeypatch.setitem(leading.STEPS, "step", step)
    assert leading.lead("step", *NAMES, {"ssh": "old.example.com"}, {}, {})["done"]["summary"] == "from there"


@pytest.fixture(autouse=True)
def nobody_is_reached_yet(monkeypatch):
    monkeypatch.setattr(beyond, "_through", {})


def test_only_the_source_that_the_command_calls_so_is_no_minion():
    found = roster.named(OPTS, ENGINE, NAMES, "mattermost.import", True)
    assert [type(each) for each in found] == [beyond.Beyond, minion.Minion]
    assert found[0].address == "by ssh from new.example.com"
    roster.override_hosts(NAMES[:1])
    assert isinstance(roster.targets(OPTS, ENGINE, "mattermost.move")[0], beyond.Beyond), (
        "of the preflight that follows"
    )
    roster.override_hosts([])


def test_by_minions_is_what_it_is_for():
    with pytest.raises(ValueError, match="is only for mattermost:engine: minion"):
        roster.named(OPTS, {}, NAMES, "mattermost.import", True)
    with pytest.raises(ValueError, match="import:ssh needs a second host"):
        import_plan.parse_request({"from": NAMES[0], "ssh": True})
    with pytest.raises(ValueError, match="move:ssh is 'root', but must be true or false"):
        plan.parse_request({"from": NAMES[0], "to": NAMES[1], "ssh": "root"})
    assert subprocess.run(login.command("x", "true"), check=False, capture_output=True).returncode == 255
