"""The commands that sentences name work where they are read: by the engine that deployed the host last."""

import subprocess
from pathlib import Path

import mattermost_engine as engine
import pytest
import salt.config

from tests import programs, states

OVER_SSH = {"id": "chat", "root_dir": "/var/tmp/.root_1_salt/running_data", "file_client": "local"}
BY_MINION = {"id": "chat", "root_dir": "/", "file_client": "remote"}
BY_MASTER = {**BY_MINION, "mattermost_orchestrated": True}
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
            BY_MASTER,
            "on the Salt master: salt-run state.orchestrate mattermost.ssl (or .non-ssl)",
            "on the Salt master: salt-run state.orchestrate mattermost.postgresql",
        ),
        (
            BY_MINION,
            "on the Salt master: salt chat state.apply mattermost",
            "on the Salt master: salt chat state.apply mattermost.deploy.postgresql",
        ),
        (
            MASTERLESS,
            "on this host: salt-call --local state.apply mattermost",
            "on this host: salt-call --local state.apply mattermost.deploy.postgresql",
        ),
    ],
    ids=["ssh", "master", "minion", "masterless"],
)


@ENGINES
def test_a_state_names_a_command_of_its_engine(tmp_path, options, deploy, upgrade):
    assert engine.command(engine.DEPLOY, options, str(tmp_path)) == deploy.partition(": ")[2]
    assert engine.command(engine.POSTGRESQL, options, str(tmp_path)) == upgrade.partition(": ")[2]


@ENGINES
def test_a_program_of_the_host_names_a_command_of_the_engine_that_was_there_last(tmp_path, options, deploy, upgrade):
    engine.note(str(tmp_path), options)
    assert asked(tmp_path, "deploy_command") == deploy
    assert asked(tmp_path, "upgrade_command") == upgrade


def test_a_host_of_an_earlier_bundle_was_deployed_from_a_controller(tmp_path):
    assert asked(tmp_path, "deploy_command").startswith("on the controller: salt-run ")


@pytest.mark.parametrize("options", [MASTERLESS, BY_MINION], ids=["masterless", "minion"])
def test_a_host_that_no_orchestration_reaches_is_told_of_none(tmp_path, options):
    engine.note(str(tmp_path), options)
    for function in ("back_command", "back_command copy"):
        said = asked(tmp_path, function, "mattermost-switch")
        assert said.startswith("on this host: mattermost-switch back")
    said = asked(tmp_path, "snapshot=1a2b; restore_command '' overwrite", "mattermost-restore")
    assert said == "on this host: mattermost-restore to 1a2b overwrite"


def test_a_top_file_leaves_the_orchestrations_of_its_master(tmp_path):
    work = str(tmp_path)
    for options in (BY_MASTER, BY_MINION):
        engine.note(work, options)
        assert (
            asked(tmp_path, "deploy_command")
            == "on the Salt master: salt-run state.orchestrate mattermost.ssl (or .non-ssl)"
        )
        assert (
            engine.command(engine.DEPLOY, BY_MINION, work) == "salt-run state.orchestrate mattermost.ssl (or .non-ssl)"
        )
    assert engine.command(engine.DEPLOY, MASTERLESS, work) == "salt-call --local state.apply mattermost"
    assert engine.command(engine.DEPLOY, {**BY_MINION, "id": "other"}, work) == "salt other state.apply mattermost"


def test_an_orchestration_by_minions_brings_the_mark(tmp_path):
    given = Path(__file__).parents[2] / "salt/mattermost/scripts/failhard.conf"
    options = salt.config.minion_config(str(given), defaults={**salt.config.DEFAULT_MINION_OPTS, **BY_MINION})
    assert engine.name(options) == "master"


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
