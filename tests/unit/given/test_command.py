"""A mistyped command is refused before Salt acts on it, in words that name the right one."""

import pytest
from mattermost_controller.given import command

from tests.render import compiler

ROOTS = ["salt"]
ENVIRONMENTS = {"saltenv": ["base"], "pillarenv": ["base"]}


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("state.orchestrate", ["mattermost.prefligth"], "Did you mean mattermost.preflight?"),
        ("state.orchestrate", ["ssl"], "Did you mean mattermost.ssl?"),
        ("state.orchestrate", ["Mattermost.SSL"], "Did you mean mattermost.ssl?"),
        ("state.orchestrate", ["salt/mattermost/ssl.sls"], "Did you mean mattermost.ssl?"),
        ("state.orch", ["mattermost.zzzzzz"], "The known names are: mattermost.backup, mattermost.drill, "),
        ("state.orchestrate", ["mattermost.ssl,mattermost.verfy"], "Did you mean mattermost.verify?"),
        ("state.orchestrate", [], "needs the name of an orchestration"),
        ("state.orchestrate", ["mattermost.ssl", "mattermost.verify"], "takes one name, not 2"),
        ("state.orchestrate", ["mattermost.ssl", "pillar", "=", '{"sekret": 1}'], "takes one name, not 4 words"),
        ("state.orchestrate", ["mattermost"], "salt-ssh 'HOST' state.apply mattermost"),
        ("state.orchestrate", ["mattermost.deploy.server"], "salt-ssh 'HOST' state.apply mattermost.deploy.server"),
        ("state.sls", ["mattermost.deploy.database.login"], "would apply it to this machine"),
        ("mattermost.ssl", [], "Run: salt-run state.orchestrate mattermost.ssl"),
        ("mattermost.verify", [], "Run: salt-run state.orchestrate mattermost.verify"),
        ("state.orchestrat", ["mattermost.ssl"], "Did you mean state.orchestrate?"),
        ("state.ochestrate", ["mattermost.ssl"], "Did you mean state.orchestrate?"),
        ("state.orchestrate", ["mattermost.ssl", "foo=bar"], "foo= is not an argument"),
        ("state.orchestrate", ["mattermost.ssl", "tset=True"], "Did you mean test?"),
        ("state.orchestrate", ["mattermost.ssl", "Test=True"], "Did you mean test?"),
        ("state.orchestrate", ["mattermost.ssl", "test=Flase"], "test= must be True or False"),
        ("state.orchestrate", ["mattermost.ssl", "pillar=hello"], "pillar= is not a mapping"),
        ("state.orchestrate", ["mattermost.ssl", "pillar={sekret"], "pillar= cannot be read: a bracket"),
        ("state.orchestrate", ["mattermost.ssl", "test=True", "test=False"], "takes each argument once"),
        ("state.orchestrate", ["mattermost.ssl", "pillar={}", 'pillar={"sekret": 1}'], "takes each argument once"),
        ("state.orchestrate", ["mattermost.ssl", 'pillar={"x": 1, "x": "sekret"}'], "or a key is there twice"),
        ("state.orchestrate", ["mattermost.ssl", 'pillar={"mattermost": "sekret"}'], "pillar= has mattermost without settings"),
        ("state.orchestrate", ["mattermost.ssl,mattermost.backup"], f"{command.RUN} mattermost.ssl && {command.RUN} mattermost.backup"),
        ("state.orchestrate", ["mattermost.ssl", "saltenv=prod"], "There is no environment prod. Leave out saltenv="),
        ("state.orchestrate", ["mattermost.ssl", "pillarenv=prod"], "There is no environment prod. Leave out pillarenv="),
        ("state.orchestrate", ["mattermost.restore", 'pillar={"snapshot": "sekret"}'], """pillar='{"restore": {"snapshot": …}}'"""),
        ("state.orchestrate", ["mattermost.remove", 'pillar={"purge": "sekret"}'], """pillar='{"remove": {"purge": …}}'"""),
        ("state.orchestrate", ["mattermost.restore", 'pillar={"restore": "sekret"}'], "restore in the command's pillar= must be a mapping of keys"),
        ("state.orchestrate", ["mattermost.rollback", 'pillar={"rollback": true}'], "rollback in the command's pillar= must be a mapping of keys"),
        ("state.orchestrate", ["mattermost.restore", 'pillar={"restore": {"snapshto": "sekret"}}'], "restore:snapshto is not a known key"),
        ("state.orchestrate", ["mattermost_ssl"], "Did you mean mattermost.ssl?"),
        ("state.orchestrate", ["mattermost/ssl"], "Did you mean mattermost.ssl?"),
        ("state.orchestrate", ["mattermost..ssl"], "Did you mean mattermost.ssl?"),
        ("state.orchestrate", [""], "needs the name of an orchestration"),
        ("state.orchestrate", ["mattermost.ssl", 'pillar={"mail": "sekret"}'], "Write mail below mattermost"),
        ("state.orchestrate", ["mattermost.restore", 'pillar={"restroe": {"snapshot": "1a"}}'], "Did you mean restore?"),
    ],
)  # fmt: skip
def test_a_mistyped_command_is_refused_with_the_right_one(function, arguments, said):
    sentence = command.wrong_run(function, arguments, ROOTS, ENVIRONMENTS)
    assert said in sentence
    assert "sekret" not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("state.orchestrate", ["mattermost.ssl"]),
        ("state.orchestrate", ["mattermost.ssl", "test=True"]),
        ("state.orchestrate", ["mattermost.ssl", "test=true", "saltenv=base"]),
        ("state.orch", ['pillar={"restore": {"snapshot": "1a"}, "acknowledged": ["x"]}', "mattermost.restore"]),
        ("state.orchestrate", ["mattermost.move", 'pillar={"mattermost": {"hosts": ["a"]}, "own": 1}']),
        ("state.orchestrate_show_sls", ["mattermost.ssl"]),
        ("state.orchestrate", ["mods=mattermost.ssl", "test=1", "orchestration_jid=x"]),
        ("state.orchestrate", ["mattermost.later", "saltenv=dev"]),
        ("state.orchestrate", ["mattermost.ssl", 'pillar={\n\t"restore": {}}']),
        ("state.orch_show_sls", ["mattermost.ssl"]),
        ("test.arg", ["x", "foo=bar"]),
        ("state.show", []),
    ],
)
def test_what_is_right_or_not_ours_is_left_alone(function, arguments):
    assert command.wrong_run(function, arguments, ROOTS) == ""


def test_an_orchestration_of_the_users_own_is_left_alone(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/all.sls").touch()
    assert command.wrong_run("state.orchestrate", ["own.all", 'pillar={"moves": 1}'], [*ROOTS, str(tmp_path)]) == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["state.apply", "mattermost.deploy.srever"], "Did you mean mattermost.deploy.server?"),
        (["state.sls", "mattermost.server", "test=True"], "Did you mean mattermost.deploy.server?"),
        (["state.orchestrate", "mattermost.ssl"], "Run: salt-run state.orchestrate mattermost.ssl"),
        (["mattermost.deploy.server", "test=True"], "Run: salt-ssh 'HOST' state.apply mattermost.deploy.server"),
        (["state.aply", "mattermost.deploy.server"], "Did you mean state.apply?"),
        (["state.apply", "mattermost.deploy.server", "test=Ture"], "test= must be True or False"),
        (["state.apply", "mattermost.deploy.server", "pillar={"], "pillar= cannot be read"),
        (["state.apply", "mattermost.deploy.server", "saltenv=prod"], "There is no environment prod"),
        (["state.apply", "mattermost.ssl"], "Run: salt-run state.orchestrate mattermost.ssl"),
        (["state.apply", "mattermost.deploy.server,mattermost.deploy.databas"], "mattermost.deploy.database?"),
        (["state.apply", "mattermost.deploy.server", "tset=True"], "Did you mean test=?"),
        (["state.apply", "mattermost", "Test=True"], "Did you mean test=?"),
        (["state.sls_id", "x", "mattermost.deploy.server", "pilar={}"], "Did you mean pillar=?"),
        (
            ["state.apply", "mattermost.deploy.server", "mattermost.deploy.database"],
            "mattermost.deploy.database is a separate argument. Give several deploy states as one argument",
        ),
        (["state.apply", "mattermost", '{"a": "s3kr3t"}'], "The states are followed by a separate argument."),
        (["mattermost.ssl"], "Run: salt-run state.orchestrate mattermost.ssl"),
    ],
)
def test_a_mistyped_deploy_state_is_refused_with_the_right_one(arguments, said):
    assert said in command.wrong_ssh(arguments, ROOTS, ENVIRONMENTS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["state.apply", "mattermost.deploy.server", "test=True"],
        ["state.apply", "mattermost.deploy.nginx-base"],
        ["state.apply"],
        ["state.apply", "own"],
        ["state.apply", "own", "tset=True", "x"],
        ["state.apply", "mattermost.deploy.server", "pillar={}", "queue=True", "saltenv=base"],
        ["state.apply", "mattermost-extra"],
        ["state.apply", "mattermost"],
        ["state.apply", "mattermost.later", "saltenv=dev"],
        ["state.sls_id", "mattermost-x", "mattermost.deploy.server"],
        ["test.ping"],
        [],
    ],
)
def test_a_deploy_state_that_exists_is_applied(arguments):
    assert command.wrong_ssh(arguments, ROOTS) == ""


@pytest.mark.parametrize(
    "function", ["state.single", "state.show_top", "state.show_lowstate", "state.sls_exists", "state.test"]
)
def test_salts_other_functions_of_states_are_left_alone(function):
    assert command.wrong_ssh([function, "x"], ROOTS) == ""


@pytest.mark.parametrize(
    ("function", "is_there"),
    [
        ("jobs.list_jobs", True),
        ("manage", True),
        ("state.apply", False),
        ("orchestrate", False),
        ("nosuch.function", False),
    ],
)
def test_a_function_that_salt_does_not_have_is_refused(function, is_there):
    sentence = command.wrong("salt-run", {**compiler.master_opts(), "fun": function, "arg": []})
    assert sentence == (
        ""
        if is_there
        else f"Salt has no function {function}. To start an orchestration, run: {command.RUN} mattermost.ssl"
    )


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        ("chta.example.com", [], "No entry of the roster matches chta.example.com. Did you mean chat.example.com? The entries are: chat.example.com."),
        ("other*", [], "No entry of the roster matches other*. The entries are: chat.example.com."),
        (["chat.example.com", "zzz"], ["chat.example.com"], "No entry of the roster matches zzz. The entries are: chat.example.com."),
        ("*", ["chat.example.com"], ""),
        (["chat.example.com"], ["chat.example.com"], ""),
    ],
)  # fmt: skip
def test_a_host_that_the_roster_does_not_have_is_named(wanted, found, said):
    assert command.unmatched(wanted, found, ["chat.example.com"]) == said


def test_a_pattern_that_is_none_is_refused():
    sentence = command.wrong("salt-ssh", {"selected_target_option": "pcre", "tgt": "(", "argv": ["test.ping"]})
    assert sentence.startswith("The pattern after -E is not a regular expression: ")
