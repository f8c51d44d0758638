"""Hosts that are no minions, of a master that cannot log in anywhere: a minion reaches them by ssh (`login`), and tells in sealed answers."""

from __future__ import annotations

import subprocess
import threading

from mattermost_lines import lines_of

from mattermost_controller.hosts import login, minion, roster

_through: dict[str, str] = {}  # by ID of such a host: the minion that logs in to it, in this process


class Beyond(minion.Minion):
    """One such host. host_id: the name that its ``ssh`` takes. through: the minion."""

    def __init__(self, host_id: str, opts: dict, through: minion.Minion):
        super().__init__(host_id, opts)
        self.address = f"by ssh from {through.id}"
        self.greeting = f"{through.id} can log in to {host_id} by ssh."
        self._minion, self._asking, self._is_reached = through, threading.Lock(), False

    def connect(self) -> roster.Result:
        """Have the minion log in, once."""
        with self._asking:
            if self._is_reached:
                return roster.Result(0, "", "")
            if (found := self._minion.connect()).rc:
                return found
            done = self._minion.run_there(login.command(self.id, "true"), b"", minion.SLACK)
            self._is_reached = done.rc == 0
            if self._is_reached:
                return done
            why = (lines_of((done.err or done.out).strip()) or ["no answer"])[-1][:300].rstrip(".")
            return roster.Result(
                roster.UNREACHED,
                "",
                f"{self._minion.id} cannot log in to {self.id}: {why}.\nRun on {self._minion.id} as root: `ssh {self.id} true`. That command must end without a question.",
            )

    def addresses(self) -> list[str]:
        """Return none: whoever wants to reach it asks the minion."""
        return []

    def pillar(self, grains: dict) -> dict:
        """Return the host's pillar, as the master's files have it for this ID."""
        found = roster.Host.pillar(self, grains)
        if "mattermost" not in found:
            raise roster.TargetError(
                f"The master's pillar has no branch mattermost for {self.id}. In the pillar's top.sls, assign the host's settings to {self.id}."
            )
        return found

    def run(self, script: str, timeout: float = 60, root: bool = True, is_private: bool = False) -> roster.Result:
        """Run a POSIX sh *script* there as root; neither it nor what it prints is kept in a form that others can read. timeout: seconds."""
        if (found := self.connect()).rc:
            return found
        return self._minion.run_there(login.command(self.id), (roster.PATH + script).encode(), timeout)

    def exchange(self, script: str, data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Run a POSIX sh *script* there, which holds no secrets, with *data* on its standard input."""
        if (found := self.connect()).rc:
            raise minion.NoAnswer(found.err)
        return self._minion.sealed(login.command(self.id, roster.PATH + script), data, timeout, limit)

    def job(self, function, *_, **__):
        """Refuse: it is no minion."""
        raise minion.NoAnswer(
            f"{self.id} is not a minion, so no job of Salt can run there.\n{self.id} is reached only by ssh from {self._minion.id}."
        )


def reach(host_id: str, through: str) -> None:
    """Have the minion *through* log in to *host_id*, which is none, for all that follows in this process."""
    _through[host_id] = through


def targets(opts: dict, wanted: list, orchestration: str) -> list[minion.Minion]:
    """Return the hosts of this run, as `minion.targets` does."""
    found = minion.targets(opts, wanted, orchestration)
    by_id = {host.id: host for host in found}
    return [
        Beyond(host.id, opts, by_id.get(_through[host.id]) or minion.Minion(_through[host.id], opts))
        if host.id in _through
        else host
        for host in found
    ]
