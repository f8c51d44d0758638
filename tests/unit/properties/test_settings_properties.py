"""Any settings that are accepted make files that their programs take, and that say what was set.

What hypothesis found is a fixed example in tests/unit/test_settings_rules.py and test_settings_form.py.
"""

import re
import shutil
from pathlib import Path

import mattermost_config_from_settings as config_from_settings
import mattermost_environment_core as environment
import mattermost_settings_core as core
import mattermost_settings_data as data
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

from tests.render import compiler
from tests.soak import in_check
from tests.unit.properties import rendering
from tests.unit.properties.strategy import SETTINGS

DATA = data.load([str(compiler.ROOT / "salt")])
EXAMPLES = 13  # of each platform, always the same ones
SOAK = 5000
PARTS = 20


def merged(given, platform):
    """Return the settings of a host as it gets them; leaves an example that is refused."""
    try:
        return core.merge(DATA, given, {}, compiler.GRAINS[platform], compiler.HOST_ID)
    except core.SettingsError:
        assume(False)


def accepted_settings_make_good_files(given, platform, folder):
    said = merged(given, platform)
    low = rendering.low(platform, said)
    files = rendering.texts(low)
    assert len(files) > 15
    units = []
    for path, (text, context) in files.items():
        assert "None" not in text.split(), path
        name = Path(path).name
        if path.endswith(".conf") and "values" in context:
            told = {key: str(value) for key, value in context["values"].items() if not PLAIN(str(value))}
            (folder / name).write_text(text)
            assert rendering.read_by_sh(folder / name, list(told)) == list(told.values())
        elif path.startswith("/etc/systemd/system/") and path.count("/") == 4 and (name, text) not in SEEN:
            SEEN.add((name, text))
            units.append(folder / name.replace("@.", "@x."))
            units[-1].write_text(text)
    if units and shutil.which("systemd-analyze"):
        assert rendering.systemds_refusals(units) == []
    names_reach_the_states_as_they_are(said, low, files)
    environment.rendered(said["server"]["environment"])
    config_from_settings.place({**said, "max_connections": said["database"]["max_connections"]})


PLAIN = re.compile(r"[\w./:-]*", re.ASCII).fullmatch  # nothing in it that a reader could take for more
SEEN = set()  # units that systemd took


def names_reach_the_states_as_they_are(said, low, files):
    """YAML reads `on`, `null` and `0x10` as something else."""
    by_id = {chunk["__id__"]: chunk for chunk in low}
    assert by_id["server-runs-as-its-own-user"]["name"] == said["server"]["user"]
    values = next(context["values"] for path, (_, context) in files.items() if path.endswith("/backup.conf"))
    names = said["name"], said["database"]["name"], said["database"]["user"], said["backup"]["repository"]
    assert (values["name"], values["database"], values["role"], values["repository"]) == names
    assert (values["smtp_password"], values["webhook"]) == (
        said["mail"]["password"],
        said["backup"]["notify"]["webhook"],
    )


CHECK = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
PLATFORMS = ["Debian-12", "Ubuntu-24", "RedHat-7", "RedHat-9"]


@pytest.mark.parametrize("platform", in_check(PLATFORMS, "Debian-12"))
@CHECK
@given(given=SETTINGS)
def test_accepted_settings_make_good_files(given, platform, tmp_path_factory):
    accepted_settings_make_good_files(given, platform, tmp_path_factory.getbasetemp())


@pytest.mark.soak("settings")
@pytest.mark.parametrize("part", range(PARTS))
def test_many_accepted_settings_make_good_files(part, request, tmp_path):
    many = settings(CHECK, max_examples=SOAK // PARTS, derandomize=False)

    @many
    @seed(request.config.getoption("--seed") * PARTS + part)
    @given(given=SETTINGS, platform=st.sampled_from(PLATFORMS))
    def ask(given, platform):
        accepted_settings_make_good_files(given, platform, tmp_path)

    ask()
