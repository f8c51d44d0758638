"""Which tests a change touches."""

import pytest

from tests.touched import changed, touched

SOURCES = {
    "tests/unit/test_tuning.py": "import mattermost_database_tuning",
    "tests/unit/test_other.py": "import mattermost_database",
    "tests/unit/hostprogram/test_switch.py": "from tests import programs; installed('mattermost-switch')",
    "tests/scenarios/upgrading.py": 'self.run("mattermost-switch check")',
    "tests/scenarios/test_upgrade.py": "from tests.scenarios.upgrading import cloned",
    "tests/scenarios/test_apply.py": 'host.apply("letsencrypt")',
    "tests/render/test_sls.py": "",
    "tests/unit/test_move.py": "load_state('mattermost_move')",
    "tests/unit/test_init.py": "def __init__(self)",
    "tests/unit/test_files.py": "from mattermost_controller.preflight import asked, files",
    "tests/unit/test_web.py": "from mattermost_controller.verify import files",
}


def test_a_module_touches_the_tests_that_import_it():
    assert touched(["salt/_utils/mattermost_database_tuning.py"], SOURCES) == {"tests/unit/test_tuning.py"}


def test_a_state_that_is_a_package_touches_the_tests_that_load_it():
    assert touched(["salt/_states/mattermost_move/__init__.py"], SOURCES) == {"tests/unit/test_move.py"}


def test_a_module_of_a_package_is_told_from_its_namesake():
    assert touched(["salt/_utils/mattermost_controller/preflight/files.py"], SOURCES) == {"tests/unit/test_files.py"}


@pytest.mark.parametrize("part", ["mattermost-switch.jinja", "mattermost-switch.parts/undo.sh"])
def test_a_host_program_touches_its_tests_and_through_helpers_those_on_hosts(part):
    found = touched([f"salt/mattermost/deploy/server/files/usr/local/sbin/{part}"], SOURCES)
    assert {"tests/unit/hostprogram/test_switch.py", "tests/scenarios/test_upgrade.py", "tests/render"} == found


def test_a_deploy_state_touches_what_applies_it():
    assert touched(["salt/mattermost/deploy/letsencrypt/init.sls"], SOURCES) == {
        "tests/render",
        "tests/scenarios/test_apply.py",
    }


def test_a_test_touches_itself():
    assert touched(["tests/unit/test_other.py", "tests/unit/test_gone.py"], SOURCES) == {"tests/unit/test_other.py"}


def test_what_all_tests_share_touches_all_only_when_it_changed_itself():
    sources = {
        **SOURCES,
        "tests/conftest.py": "from tests import summary",
        "tests/unit/test_sum.py": "from tests import summary",
    }
    assert touched(["tests/summary.py"], sources) == {"tests/unit/test_sum.py"}
    assert touched(["tests/conftest.py"], sources) == {"tests/unit", "tests/render", "tests/config", "tests/attack"}


def test_a_base_that_is_no_commit_is_refused():
    with pytest.raises(SystemExit, match="Name a commit: make touched BASE=main"):
        changed("no-such-commit")
