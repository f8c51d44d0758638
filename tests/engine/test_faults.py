"""What a run by minions says of a master and a minion that are not as they should be; `test_orchestrations.py` has what costs less."""

import concurrent.futures
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from tests.engine import daemons, many

pytestmark = [
    pytest.mark.soak("minion"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a minion that deploys is root's, and so is a mount"),
]


class Site(many.Many):
    """One minion, and a master whose cache is a small file system of its own."""

    def __init__(self, folder):
        super().__init__(folder, 1)
        self.cache = folder / "master/var/cache/salt/master"

    def start(self):
        self.cache.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "cache", self.cache], check=True)
        super().start()

    def stop(self):
        super().stop()
        subprocess.run(["umount", "-l", self.cache], check=True)


@pytest.fixture(scope="module")
def site():
    made = Site(daemons.new_folder())
    made.give({})
    with made:
        made.run("saltutil.sync_all")
        assert made.roll()["second"]["result"] is True
        yield made


def test_a_host_that_another_master_is_at_work_on_is_left_alone(site):
    asked = ("state.sls", "rolling.first", 'pillar={"seconds": 40}')
    other = threading.Thread(target=site.ask, args=asked, kwargs={"seconds": 120})
    other.start()
    while "state.sls" not in repr(site.ask("saltutil.running")):
        time.sleep(0.5)
    step = site.roll()["first"]
    other.join()
    assert step["result"] is False
    assert "Another job of Salt is running on the host: " in step["comment"]
    assert "When that job has ended, start the same command again." in step["comment"]


def test_without_space_for_the_masters_cache_nothing_is_begun(site):
    filler = site.cache / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(site.cache).free)
    site.work()
    try:
        done = site._run("salt-run", "state.orchestrate", "mattermost.renew")
    finally:
        filler.unlink()
    assert done.returncode != 0
    assert "No space left on device" in done.stdout + done.stderr
    assert site.work() == []
    assert site.roll()["second"]["result"] is True


def test_a_master_that_synced_nothing_names_the_state_that_it_lacks(site):
    shutil.rmtree(site.extmods("master"))
    done = site._run("salt-run", "state.orchestrate", "mattermost.renew")
    assert done.returncode != 0
    assert "State 'mattermost_stage.applied' was not found" in done.stdout
    site.run("saltutil.sync_all")
    assert site.roll()["second"]["result"] is True


def test_a_minion_that_is_restarted_in_the_middle_is_told(site):
    site.give({"seconds": 120})
    site.work()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        rolled = pool.submit(site.roll)
        while not (site.folder / "work").exists():
            time.sleep(0.5)
        restarted(site)
        step = rolled.result()["first"]
    site.give({})
    assert step["result"] is False
    assert f"The minion {daemons.MINION} answers, but the result of this job is lost" in step["comment"]
    assert site.roll()["second"]["result"] is True


def restarted(site):
    """Kill the minion with its jobs, and start it again."""
    minion = site._started[-1]
    os.killpg(minion.pid, signal.SIGKILL)
    minion.wait()
    with contextlib.suppress(ProcessLookupError):  # a second one with the same PID file ends at once
        for _ in range(600):
            os.killpg(minion.pid, 0)
            time.sleep(0.05)
    site._launch("salt-minion", "minion")


def test_a_minion_with_another_key_than_the_accepted_one_is_told(site):
    shutil.rmtree(site.folder / "minion/etc/salt/pki")
    restarted(site)
    denied = site.folder / "master/etc/salt/pki/master/minions_denied" / daemons.MINION
    deadline = time.monotonic() + daemons.START_SECONDS
    while not denied.exists():
        assert time.monotonic() < deadline, site.log("minion").read_text()
        time.sleep(0.5)
    step = site.roll()["first"]
    assert step["result"] is False
    assert f"The minion {daemons.MINION} does not answer.\nSee whether the minion's key is accepted" in step["comment"]
