"""What mattermost.status says of one host."""

from __future__ import annotations

import contextlib
import json

from tests.scenarios.deployment import Deployment

STATE = "hosts-are-healthy"


@contextlib.contextmanager
def deployed(lab, releases, snapshot, name):
    """A deployed host of a module's own, on a machine whose disk is not its concern."""
    with lab.passing(name) as passing:
        deployment = Deployment(lab, lab.clone(snapshot, passing), releases[0])
        deployment.set(status={"disk_full": 100})  # the machine below is whose it is
        deployment.wait_until_healthy()
        yield deployment


@contextlib.contextmanager
def with_backup(lab, releases, snapshot, name):
    """The same, with a backup: nothing needs anybody."""
    with deployed(lab, releases, snapshot, name) as deployment:
        deployment.ssh("mattermost-backup now", timeout=120)
        yield deployment


def status_of(host, *arguments, drift=True):
    """Run mattermost.status; return the run and the host's data."""
    pillar = [] if drift else ["pillar=" + json.dumps({"status": {"drift": False}})]
    run = host.orchestrate("mattermost.status", *pillar, *arguments)
    stage = run.stages[STATE]
    assert stage["changes"] == {}
    (made,) = stage["status"].values()
    assert (run.rc == 0) == (made["well"] or "test=True" in arguments), run
    return run, made


def attention(made):
    return {one["check"] for one in made["attention"]}
