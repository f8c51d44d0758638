"""Put Salt's own archive on a host without a usable Python, before Salt looks for it there.

Salt itself would unpack it in place, once, and then take any ``salt-call`` that it finds: the tree of an older archive, and
one whose unpacking broke off. Here it is unpacked aside, tried, and only then put in place, with a note of what it is.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import uuid

import mattermost_progress

from mattermost_controller.hosts import bounded, login_shell
from mattermost_controller.hosts.relenv_archive import RelenvError

NOTE = "mattermost-archive"  # in the tree: SHA-256 of the archive that it came from
SECONDS = 900

# [ -O ]: anybody may make a folder or a link of that name in /var/tmp; mv -T never moves into one that is already there
CHECK = """[ -O {tree} ] && [ ! -L {tree} ] && [ -x {tree}/salt-call ] && [ "$(cat {tree}/{note} 2>/dev/null)" = {sha256} ] && echo there"""
# The same before a single command, which may be the first that this host hears of: nobody takes the place of a folder of ours in /var/tmp.
OWN = """mkdir -m 755 {tree} 2>/dev/null; if [ -O {tree} ] && [ ! -L {tree} ] && [ -d {tree} ]; then echo own; elif [ -e {tree} ] || [ -L {tree} ]; then echo foreign; else echo absent; fi"""
# What is in {tree} is removed before a new Salt comes, by Salt itself as root: nothing, or what Salt left there
FREE = '[ ! -e {tree} ] || [ -z "$(ls -A {tree} 2>&1)" ]' + "".join(
    f" || [ -e {{tree}}/{name} ]"
    for name in ("salt-call", "salt-relenv.tar.xz", "salt-thin.tgz", "minion", "running_data")
)
# The archive comes on standard input; `cat` notices no end that came too early, so its size is compared.
INSTALL = """set -u
{free} ||
    {{ echo "{tree} contains files that are not Salt's: set another thin_dir: in the roster" >&2; exit 1; }}
new=$(mktemp -d {tree}.XXXXXX) || exit 1
fail() {{ rm -rf "$new"; echo "$1" >&2; exit 1; }}
chmod 755 "$new"
cat >"$new/archive" || fail "the archive could not be written there"
[ "$(wc -c <"$new/archive")" -eq {size} ] || fail "the transfer was incomplete"
tar --strip-components=1 -xJf "$new/archive" -C "$new" || fail "tar could not unpack it"
rm -f "$new/archive"
"$new/salt-call" --version >/dev/null || fail "its salt-call does not start there"
echo {sha256} >"$new/{note}"
rm -rf {tree} && mv -T "$new" {tree} && [ -O {tree} ] && [ ! -L {tree} ] || fail "{tree} could not be replaced"
"""


def directory(entry: dict, user: str, kind: str = "relenv") -> str:
    """Return the folder on the host that salt-ssh runs from, as Salt's ``Single`` reckons it.

    entry: the roster's. user: who logs in. kind: ``thin`` or ``relenv``.
    """
    import salt.client.ssh
    import salt.utils.network

    if entry.get("thin_dir"):
        return entry["thin_dir"]
    pattern = salt.client.ssh.DEFAULT_THIN_DIR.replace("_salt", {"thin": "_salt", "relenv": "_salt_relenv"}[kind])
    checkout = uuid.uuid3(uuid.NAMESPACE_DNS, salt.utils.network.get_fqhostname()).hex[:6]
    return pattern.replace("%%USER%%", re.sub(r"[^a-zA-Z0-9._\-@]", "_", user)).replace("%%FQDNUUID%%", checkout)


def ensure(host, folder: str, archive: str, sha256: str, say=lambda text, part: None) -> bool:
    """Have the tree of *archive* in *folder* of the host; return whether it had to be brought.

    host: hosts.roster.Host, logged in. archive: path here. sha256: its sum. say: of `mattermost_progress.waiting`, called before the long step.
    Raises RelenvError with the host's own words.
    """
    words = {"tree": shlex.quote(folder), "note": NOTE, "sha256": sha256}
    if host.run(CHECK.format(**words), root=False).out.strip() == "there":
        return False
    with open(archive, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        say("copying Salt with its own Python to the host, once", lambda: mattermost_progress.sent(file, size))
        script = INSTALL.format(**words, size=size, free=FREE.format(**words))
        try:
            done = bounded.run(host.command(login_shell.in_sh(script)), file, SECONDS)
        except bounded.TooLong as err:
            raise RelenvError(f"The copy of Salt's archive to {host.id} was stopped. {err}") from None
        except subprocess.TimeoutExpired:
            raise RelenvError(
                f"Salt's archive was not copied to {host.id} within {SECONDS} s. Start the same command again."
            ) from None
    if done.returncode:
        reason = " ".join(bounded.text(done.stderr).split()) or f"exit status {done.returncode}"
        raise RelenvError(
            f"Salt's archive {archive} (SHA-256 {sha256}) could not be installed on {host.id}: {reason}. Correct the "
            "cause there, or set mattermost:relenv:source and :sha256 to the archive for the host's architecture."
        )
    return True
