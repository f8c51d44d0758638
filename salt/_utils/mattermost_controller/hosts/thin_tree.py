"""Salt's thin tree on a host, as ``salt-ssh`` brings it: where it is there, nothing has to be asked of the host before a state run.

Salt itself would bring it by starting there twice: to be told that it is not there, and to ask the host for its options.
"""

from __future__ import annotations

import os
import shlex

from mattermost_controller.hosts import relenv_install

# of who logs in, or of root by sudo: what salt-ssh sends there has the settings in plain. An archive that is still there was not unpacked whole.
CHECK = """tree={tree}
[ -d "$tree" ] && [ ! -L "$tree" ] && {{ [ -O "$tree" ] || [ "$(stat -c %u "$tree")" = 0 ]; }} &&
[ -f "$tree/salt-call" ] && [ ! -e "$tree/salt-thin.tgz" ] && cat "$tree/code-checksum"
"""
# As Salt makes it, for who logs in too where sudo is used. mkdir follows no link, and takes no folder that another account made meanwhile.
MAKE = """tree={tree}
if [ -e "$tree" ]; then {{ {free}; }} && [ -O "$tree" ] && [ ! -L "$tree" ] && rm -rf "$tree" || exit 1; fi
mkdir -m 700 "$tree" || exit 1
[ -z "${{SUDO_GID:-}}" ] || {{ chgrp "$SUDO_GID" "$tree" && chmod 770 "$tree"; }}
"""


def ensure(host, cachedir: str) -> bool:
    """Have the tree that this checkout packed on *host*, or its archive, which Salt unpacks when it starts; return whether it is.

    host: hosts.roster.Host, logged in. cachedir: of the checkout's Salt, which notes there the sum of what it packed. False is no
    fault: Salt brings its tree by itself, and says what is wrong.
    """
    try:
        with open(os.path.join(cachedir, "thin", "code-checksum"), encoding="ascii") as file:
            packed = file.read().strip()
    except OSError:
        return False
    tree = relenv_install.directory(host.entry, host.user, "thin")
    words = {"tree": shlex.quote(tree), "free": relenv_install.FREE.format(tree=shlex.quote(tree))}
    if packed and host.run(CHECK.format(**words), root=False).out.strip() == packed:
        return True
    if not packed or host.entry.get("sudo_user") or host.run(MAKE.format(**words)).rc:
        return False
    return host.send(os.path.join(cachedir, "thin", "thin.tgz"), f"{tree}/salt-thin.tgz", "salt").rc == 0
