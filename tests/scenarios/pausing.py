"""A host program that stays at a record of its journal, until a test interrupts it there or lets it go on."""

from __future__ import annotations

import time

WORK = "/var/lib/mattermost-deploy"
# on the unit's PATH: once the journal's newest line starts with the wanted word, it stays there until killed or let go
SCRIPT = r"""
unit=/etc/systemd/system/mattermost-PROGRAM.service.d
mkdir -p /root/pause $unit
cat >/root/pause/mv <<'END'
#!/bin/sh
/usr/bin/mv "$@" || exit
case $* in *PROGRAM/journal) ;; *) exit 0 ;; esac
[ -e /root/pause/after ] && [ ! -e /root/pause/reached ] || exit 0
read -r word _ <<WORD
$(tail -n 1 WORK/PROGRAM/journal)
WORD
[ "$word" = "$(cat /root/pause/after)" ] || exit 0
touch /root/pause/reached
for _ in $(seq 600); do [ -e /root/pause/after ] || exit 0; sleep 0.5; done
END
chmod 755 /root/pause/mv
printf '[Service]\nEnvironment=PATH=/root/pause:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\n' >$unit/pause.conf
systemctl daemon-reload
"""


class Pausing:
    """A deployed host of which one program, ``mattermost-PROGRAM``, can be made to stay.

    deployment: the `Deployment`. Attributes: ``program``, said by the class; ``host`` and ``run``, for a shell script on it.
    """

    program = ""

    def __init__(self, deployment):
        self.deployment, self.host, self.run = deployment, deployment.host, deployment.ssh
        self.run(SCRIPT.replace("PROGRAM", self.program).replace("WORK", WORK))

    def pause_after(self, record):
        """Have the program stay at *record*; `reached` waits until it is there."""
        self.run(f"rm -f /root/pause/reached; echo {record} >/root/pause/after")

    def reached(self, timeout=120):
        self.until("test -e /root/pause/reached", f"the record {self.run('cat /root/pause/after')}", timeout)

    def go_on(self):
        """Let the paused program go on."""
        self.run("rm /root/pause/after")

    def interrupt(self, end):
        """End the paused program: ``killed`` by SIGKILL of all its processes, or ``power-cut`` with the whole host."""
        if end == "killed":
            self.run(f"systemctl kill --signal=KILL mattermost-{self.program}; rm /root/pause/after")
        else:
            (self.host.root / "root/pause/after").unlink()
            self.host.cut()
            self.host.start()

    def until(self, condition, what, timeout=90):
        """Wait until the shell *condition* holds on the host. timeout: seconds."""
        deadline = time.monotonic() + timeout
        while self.host.ssh(condition, check=False).returncode:
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come in {timeout} s.\n{self.trouble()}")
            time.sleep(0.3)

    def trouble(self) -> str:
        name = f"mattermost-{self.program}"
        return self.run(f"{name} status; journalctl -u {name} -n 40 --no-pager", check=False)
