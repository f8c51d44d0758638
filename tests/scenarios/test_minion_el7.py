"""A Salt master deploys a bare host shaped like EL 7 by its minion, whose Salt and Python are the lab's own archive, removes it, and deploys it again."""

import json
import re

import pytest

from tests.scenarios.deployment import Deployment
from tests.scenarios.minions import master_of

pytestmark = pytest.mark.soak("minion")


def test_a_master_deploys_an_el7_shaped_host_and_removes_it(lab, releases):
    with lab.passing("minion-el7") as name:
        el7 = Deployment(lab, lab.host(name, platform="el7", fresh=True), releases[0])
        assert el7.ssh("command -v python3 python apt-get; true") == "", "the host is no Debian, and has no Python"
        with master_of(el7) as master:
            fresh = master.orchestrate()
            assert fresh.rc == 0, fresh
            assert fresh.stages["verify"]["result"] is True, fresh
            told = rf"{re.escape(el7.name)}: packages: .* \(\d+\.\d s\)"
            assert re.search(told, fresh.err), "the master hears of each state while the run goes on"
            before = el7.main_pids()
            again = master.orchestrate()
            assert (again.rc, again.changes) == (0, {}), again
            assert el7.main_pids() == before
            purge = json.dumps({"remove": {"purge": el7.name}})
            removed = master.orchestrate("mattermost.remove", f"pillar={purge}")
            assert removed.rc == 0, removed
            assert el7.ssh("ls -d /opt/mattermost /etc/mattermost /var/backups/mattermost 2>/dev/null; true") == ""

            el7.set(site="non-ssl")
            master.take_settings()
            plain = master.orchestrate("mattermost.non-ssl")
            assert plain.rc == 0, plain
            assert plain.stages["verify"]["result"] is True, plain
