"""A host that died in one test is made again for the next, and its end is told once; else every test behind it fails."""

from __future__ import annotations

from tests.lab.errors import LabError
from tests.lab.shell import wait_until

PROPERTY = "a host was made again"
# how often one file's fixture may fail to make its hosts before the rest of the file's tests fail with it
ATTEMPTS = 2


class Again:
    """What pytest's hooks tell about tests and their hosts. open: returns the lab, or None as long as there is none."""

    def __init__(self, open, stays=()):
        self.open, self.stays = open, stays
        self.last, self.failed = None, False
        self._attempts = {}

    def ended(self, report):
        """A phase of a test ended."""
        if report.when == "setup":
            self.last, self.failed = report.nodeid, False
        self.failed = self.failed or report.failed

    def before(self, item):
        """A test begins: have the fixtures of its file make their hosts again where these are dead or never came up."""
        lab = self.open()
        if lab is None:
            return
        hosts = [host for host in lab.hosts() if not host.name.startswith(tuple(self.stays))]
        dead = [host for host in hosts if not self._alive(host)]
        told = [self._end_of(host) for host in dead]
        told += [str(error) for error in self._not_made(item)]
        if told:
            told += self._finish(item)
            for host in dead:
                host.remove()
            item.user_properties.append((PROPERTY, f"{item.nodeid}\n" + "\n".join(told)))

    def _alive(self, host):
        """Asked for its ssh too only behind a test that failed: nobody waits for healthy hosts."""
        if not host.running or not self.failed:
            return host.running
        try:
            return wait_until(host.greets, "", timeout=15, pause=0.5)
        except LabError:
            return False

    def _end_of(self, host):
        state = "is up, but without ssh," if host.running else "is down"
        return "\n".join([f"Host {host.name} {state} after {self.last}. Its console ends:", *host.last_words()])

    def _not_made(self, item):
        """The reasons why the hosts of the file's fixtures are not there, as long as another attempt is worth it."""
        failures = [made.cached_result[2] for made in _kept(item) if made.cached_result[2]]
        errors = [error for error, *_ in failures if isinstance(error, LabError)]
        if errors:
            self._attempts[item.path] = self._attempts.get(item.path, 0) + 1
        return errors if self._attempts.get(item.path, 0) <= ATTEMPTS else []

    def _finish(self, item):
        """Have pytest forget the file's fixtures; returns what went wrong in doing so."""
        wrong = []
        for fixture in _kept(item):
            try:
                fixture.finish(item._request)
            except Exception as error:  # noqa: BLE001  a dead host may well have an answer to nothing
                wrong.append(f"and on clearing away: {error}")
        return wrong


def _kept(item):
    """The fixtures of the item's file that pytest has made and keeps."""
    newest = (found[-1] for found in item._fixtureinfo.name2fixturedefs.values())
    return [fixture for fixture in newest if fixture.scope == "module" and fixture.cached_result is not None]
