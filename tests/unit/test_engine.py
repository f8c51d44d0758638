"""The commands that sentences name work where they are read: by the engine that deployed the host last."""

import subprocess

import mattermost_engine as engine
import pytest

from tests import programs, states

OVER_SSH = {"id": "chat", "root_dir": "/var/tmp/.root_1_salt/running_data", "file_client": "local"}
BY_MINION = {"id": "chat", "root_dir": "/", "file_client": "remote"}
MASTERLESS = {"id": "chat", "root_dir": "/", "file_client": "local"}
ENGINES = pytest.mark.parametrize(
    ("options", "deploy", "upgrade"),
    [
        (
            OVER_SSH,
            "on the controller: salt-run state.orchestrate mattermost.ssl (or .non-ssl)",
            "on the controller: salt-run state.orchestrate mattermost.postgresql",
        ),
        (
            BY_MINION,
            "on the Salt master: salt-run state.orchestrate mattermost.ssl (or .non-ssl)",
            "on the Salt master: salt chat state.apply mattermost.deploy.postgresql",  # no minion is reached by that orchestration
        ),
        (
            MASTERLESS,
            "on this host: salt-call --local state.apply mattermost",
            "on this host: salt-call --local state.apply mattermost.deploy.postgresql",
        ),
    ],
    ids=["ssh", "minion", "masterless"],
)


@ENGINES
def test_a_state_names_a_command_of_its_engine(options, deploy, upgrade):
    assert engine.command(engine.DEPLOY, options) == deploy.partition(": ")[2]
    assert engine.command(engine.POSTGRESQL, options) == upgrade.partition(": ")[2]


@ENGINES
def test_a_program_of_the_host_names_a_command_of_the_engine_that_was_there_last(tmp_path, options, deploy, upgrade):
    engine.note(str(tmp_path), options)
    assert asked(tmp_path, "deploy_command") == deploy
    assert asked(tmp_path, "upgrade_command") == upgrade


def test_a_host_of_an_earlier_bundle_was_deployed_from_a_controller(tmp_path):
    assert asked(tmp_path, "deploy_command").startswith("on the controller: salt-run ")


def test_a_host_without_a_controller_is_told_of_no_orchestration(tmp_path):
    engine.note(str(tmp_path), MASTERLESS)
    for function in ("back_command", "back_command copy"):
        said = asked(tmp_path, function, "mattermost-switch")
        assert said.startswith("on this host: mattermost-switch back")
    said = asked(tmp_path, "snapshot=1a2b; restore_command '' overwrite", "mattermost-restore")
    assert said == "on this host: mattermost-restore to 1a2b overwrite"


def test_the_engine_is_noted_by_each_run_and_is_no_change(tmp_path):
    state = states.load_state("mattermost_baseline")
    paths = {name: str(tmp_path / name) for name in ("install", "state", "settings", "work")}
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/environment").touch()  # deployed before
    for options in (OVER_SSH, MASTERLESS):
        state.__opts__ = {"test": False, **options}
        answer = state.recorded("x", {}, paths, {})
        assert (answer["result"], answer["changes"]) == (True, {})
        assert (tmp_path / "work/engine").read_text() == f"{engine.name(options)} chat\n"
    state.__opts__ = {"test": True, **OVER_SSH}
    state.recorded("x", {}, paths, {})
    assert (tmp_path / "work/engine").read_text() == "masterless chat\n", "a dry run writes nothing"


def test_a_note_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    engine.note(str(tmp_path / "file/work"), OVER_SSH)


def asked(work, call, program="mattermost-postgresql"):
    """Return what a function of a host program says; *work* is its paths.work."""
    functions = programs.joined(program).partition("# ---- the command")[0]
    done = subprocess.run(
        ["dash", "-c", f"{functions}\nwork={work}\n{call}"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
