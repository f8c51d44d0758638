"""A directory that mattermost-patches takes for a host, with an archive of a newer patch and sources that list it."""

import hashlib
import io
import os
import subprocess
import tarfile

from tests import programs
from tests.lab import release_source
from tests.lab.release_source import Release, advisory, day

OLD, PATCH = "11.7.10", "11.7.15"
ENDS = {"11.7": day(170), "12.1": day(80)}
LISTED = [Release("12.1.0", day(-10)), Release(PATCH, day(-1), "High"), Release(OLD, day(-90))]
SERVER = "#!/bin/sh\necho 'Version: {version}'\necho 'Build Enterprise Ready: {enterprise}'\nid -u >>{world}/ran\n"
STUBS = {
    "mattermost-switch": """cd "$WORLD"; echo "$*" >>switched; : >switched_at
result=$(cat outcome); rc=0
case $result in
    done) ln -sfn "$2" install/current ;;
    refused) rc=2 ;;
    undone) rc=3 ;;
esac
{ echo "id=$(date +%s%N)"; echo "result=$result"; echo kind=to; echo from=11.7.10; echo "to=$2"; echo outage=250; echo "reason=$(cat "$WORLD/why" 2>/dev/null || echo because of a test)"; } >work/switch/report
cat work/switch/report
exit $rc""",
    "mattermost-kept": 'echo "$*" >>"$WORLD/kept"',
    "mattermost-tell": '{ echo "$1"; cat; } >"$WORLD/told"',
    "systemctl": """echo "$*" >>"$WORLD/asked"
case "$*" in *'--quiet mattermost.service') [ ! -e "$WORLD/down" ] ;; *is-active*) exit 3 ;; esac""",
    "runuser": 'shift 3; exec "$@"',
    "sync": "",
}


def archive(
    path, version=PATCH, enterprise="false", world="/tmp", more=(), mmctl='#!/bin/sh\necho "$*" >>{world}/rewrote\n'
):
    """Write a release's archive; more: further members, TarInfo."""
    files = {
        "bin/mattermost": SERVER.format(version=version, enterprise=enterprise, world=world),
        "bin/mmctl": mmctl.format(world=world),
        "client/root.html": "<html>",
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"mattermost/{name}")
            member.size, member.mode, member.uid = len(text), 0o700 if "bin/" in name else 0o600, 4711
            tar.addfile(member, io.BytesIO(text.encode()))
        for member in more:
            tar.addfile(member)
    return path


class Host:
    """The program's world in *folder*. Sources list the patch, whose sum the table has."""

    def __init__(self, folder, shell):
        self.folder = folder
        for name in ("bin", f"install/{OLD}/bin", "work/switch", "run"):
            (folder / name).mkdir(parents=True)
        (folder / "install/current").symlink_to(OLD)
        for name, text in STUBS.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / "bin" / name).chmod(0o755)
        self.shell = shell
        releases = programs.installed("mattermost-releases", folder)
        (folder / "bin/mattermost-releases").write_text(f'#!/bin/sh\nexec {" ".join(shell)} {releases} "$@"\n')
        (folder / "bin/mattermost-releases").chmod(0o755)
        self.program = programs.installed("mattermost-patches", folder)
        archive(folder / f"mattermost-{PATCH}-amd64.tar.gz", world=folder)
        self.settings = {
            "unattended": "patches", "seconds": 600, "arch": "amd64", "sums": folder / "sums", "vendor_key": f"file://{folder}/key", "user": "nobody",
            "source": f"file://{folder}/mattermost-{{version}}-{{arch}}.tar.gz", "signature": f"file://{folder}/{{version}}.sig",
            "key_fingerprint": "0" * 40, "path": "/chat",
        }  # fmt: skip
        self.knows(PATCH)
        self.lists(LISTED)
        self.outcome("done")

    def knows(self, *versions):
        lines = [
            f"{version} {hashlib.sha256((self.folder / f'mattermost-{version}-amd64.tar.gz').read_bytes()).hexdigest()}\n"
            for version in versions
        ]
        (self.folder / "sums").write_text("# versions\n" + "".join(lines))

    def lists(self, releases):
        sources = release_source.write(
            self.folder / "sources", releases, ENDS, [advisory(1, "Low", "11.6.6", day(-100))]
        )
        (self.folder / "table").write_text(
            f"date {day(-5)}\nline 11.7 {day(-190)} {day(170)}\nrelease {OLD} {day(-60)} Low\n"
        )
        values = {
            **sources,
            "install": self.folder / "install",
            "cache": self.folder / "cache",
            "table": self.folder / "table",
        }
        self.write("releases.conf", values)
        for path in (self.folder / "cache").glob("*.state"):
            path.unlink()

    def outcome(self, result):
        (self.folder / "outcome").write_text(result)

    def write(self, name, values):
        (self.folder / name).write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def run(self, *arguments):
        folder = self.folder
        self.write("patches.conf", self.settings)
        needed = "state settings port service database role psql socket_dir database_port start_timeout copy"
        self.write(
            "switch.conf",
            {**dict.fromkeys(needed.split(), "x"), "install": folder / "install", "work": folder / "work"},
        )
        environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "WORLD": str(folder),
            "MATTERMOST_PATCHES_SETTINGS": str(folder / "patches.conf"),
            "MATTERMOST_RELEASES_SETTINGS": str(folder / "releases.conf"),
            "MATTERMOST_SWITCH_SETTINGS": str(folder / "switch.conf"),
            "MATTERMOST_SWITCH_RUNTIME": str(folder / "run/switch"),
            "MATTERMOST_RUN_LOCK": str(folder / "run/deploy/lock"),
        }
        return subprocess.run(
            [*self.shell, self.program, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )

    def work(self):
        """Let the window begin; return exit status and report."""
        done = self.run("work")
        assert done.stderr == ""
        return done.returncode, self.report()

    def report(self):
        return dict(line.split("=", 1) for line in (self.folder / "work/patches/report").read_text().splitlines())

    def lines(self, name):
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def current(self):
        return os.readlink(self.folder / "install/current")

    def stayed(self):
        assert self.lines("switched") == []
        assert self.current == OLD
        assert sorted(path.name for path in (self.folder / "install").iterdir()) == [OLD, "current"]
