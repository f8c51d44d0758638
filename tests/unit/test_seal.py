"""What one minion alone may read of a job: neither the arguments nor the answer say it to anybody else."""

import subprocess

import pytest
from mattermost_controller.hosts import bounded, minion, roster, seal
from mattermost_controller.moving import leading

from tests.states import load_state

SECRET = "sup-Kw3 of a database"
MODULE = load_state("mattermost_moving", folder="_modules")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder with the key pair of a minion, as that minion and its master keep it."""
    folder = tmp_path_factory.mktemp("pki")
    subprocess.run(["openssl", "genrsa", "-out", folder / "minion.pem", "2048"], check=True, capture_output=True)
    (folder / "minions").mkdir()
    public = ["openssl", "rsa", "-in", folder / "minion.pem", "-pubout", "-out", folder / "minions/chat"]
    subprocess.run(public, check=True, capture_output=True)
    return folder


@pytest.fixture
def host(keys, monkeypatch):
    """A minion whose jobs run here; ``kept`` is what its master keeps of them."""
    made = minion.Minion("chat", {"pki_dir": str(keys)})
    made.kept = []

    def job(function, arguments=(), seconds=None):
        assert function == "mattermost_moving.run"
        answer = MODULE.run(*arguments)
        made.kept += [*arguments, answer]
        return answer

    monkeypatch.setattr(MODULE, "__opts__", {"pki_dir": str(keys), "extension_modules": "/nonexistent"}, raising=False)
    monkeypatch.setattr(made, "job", job)
    monkeypatch.setattr(made, "connect", lambda: roster.Result(0, "", ""))
    return made


def test_a_private_script_and_what_it_prints_are_read_by_the_two_alone(host):
    done = host.run(f"password='{SECRET}'; echo \"$password\"; echo wrong >&2; exit 3", is_private=True)
    assert done == roster.Result(3, f"{SECRET}\n", "wrong\n")
    assert host.kept
    assert [text for text in host.kept if SECRET in text] == []


def test_what_a_step_needs_beside_is_read_by_its_minion(host, monkeypatch):
    letter, _ = host.letter(b'{"password": "of the database"}')
    monkeypatch.setattr(MODULE, "__salt__", functions := {"state.sls": print}, raising=False)
    monkeypatch.setattr(leading, "lead", lambda *told: told)
    told = MODULE.lead("bring", "old", "new", {}, letter)
    assert told == ("bring", "old", "new", {}, {"password": "of the database"}, functions)


def test_bytes_go_in_and_come_out_sealed(host):
    data = bytes(range(256)) * 20
    done = host.exchange("cat; exit 2", data, 60, 1 << 20)
    assert (done.returncode, done.stdout) == (2, data)


def test_more_than_any_answer_has_is_not_used(host, monkeypatch):
    """As over ssh."""
    with pytest.raises(bounded.TooLong):
        host.exchange("printf '%0200d' 1", b"", 60, 100)
    monkeypatch.setattr(bounded, "LIMIT", 100)
    done = host.run("printf '%0200d' 1", is_private=True)
    assert (done.rc, done.out) == (roster.TIMEOUT_RC, "")
    assert done.err.startswith("The host sent more than")


def test_a_private_script_that_takes_too_long_is_late(host):
    assert host.run("sleep 60", timeout=0.2, is_private=True).rc == roster.TIMEOUT_RC


@pytest.mark.parametrize("answer", ["'mattermost_moving.run' is not available.", None, ["x"], "AAAA", ""])
def test_an_odd_reply_is_told(host, answer, monkeypatch):
    monkeypatch.setattr(host, "job", lambda *_, **__: answer)
    done = host.run("true", is_private=True)
    assert (done.rc, done.out) == (255, "")
    assert "The minion chat sent an answer that Salt never sends" in done.err


@pytest.mark.parametrize(
    "told", ['["x", "", ""]', '[1.5, "", ""]', "[null, null]", '[true, "", ""]', '[0, 7, ""]', "7"]
)
def test_a_sealed_reply_of_another_kind_is_told(host, told, monkeypatch):
    monkeypatch.setattr(host, "letter", lambda data: ("sealed", b"k" * 32))
    monkeypatch.setattr(host, "job", lambda *_, **__: seal.reply(b"k" * 32, told.encode()))
    done = host.run("true", is_private=True)
    assert (done.rc, done.out) == (255, "")
    assert "The minion chat sent an answer that Salt never sends" in done.err


def test_a_program_that_a_minion_lacks_is_told_as_that(host):
    done = host.run_there(["/nonexistent/ssh", "name"], b"", 60)
    assert (done.rc, done.out) == (127, "")
    assert done.err == "The program /nonexistent/ssh cannot be started: No such file or directory.\n"


def test_a_minion_whose_key_the_master_does_not_have_is_told(host):
    host.id = "nobody"
    assert "The master's copy of the public key of nobody cannot be read" in host.run("true", is_private=True).err


def test_what_was_changed_on_the_way_is_not_read():
    sealed = seal.reply(b"k" * 32, b"data")
    assert seal.read(b"k" * 32, sealed) == b"data"
    for key, text in ((b"l" * 32, sealed), (b"k" * 32, sealed[:-8] + "AAAAAAA=")):
        with pytest.raises(ValueError, match="encrypted with another key"):
            seal.read(key, text)
