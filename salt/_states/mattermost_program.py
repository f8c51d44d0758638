"""A single program that no package of the platform brings: fetched by its vendor's URL, known by its checksum.

.. code-block:: yaml

    backup-tool-is-there-without-a-package:
      mattermost_program.installed:
        - name: /usr/local/bin/restic
        - source: https://…/restic_VERSION_linux_amd64.bz2
        - sha256: …

Not file.managed and bunzip2: a bare host may have no bunzip2, file.managed takes no CA file, and it would replace a program
that the administrator installed.
"""

from __future__ import annotations

import mattermost_program_core as core
from mattermost_answer import answer as _ret


def installed(name, source="", sha256="", ca_file=None, setting=""):
    """Have the program *name* from the compressed file (.bz2) *source*.

    name: absolute path. source: http(s) URL, or ``salt://`` for a file on the controller; empty means that nothing is to
    be done, since a package has it. sha256: of that file. ca_file: PEM to trust. setting: where the user finds these, for
    the message. A program of that name that the administrator put there stays.
    """
    if not source:
        return _ret(name, True, f"{name} is not needed, because a package provides that program.")
    status = core.status(name, sha256)
    if status == "wanted":
        return _ret(name, True, f"{name} is up to date.")
    if status == "foreign":
        return _ret(name, True, f"{name} stays, because the administrator of this host installed that program.")
    shown = {name: f"from {source}"}
    if __opts__["test"]:
        return _ret(name, None, f"{name} would be downloaded from {source}.", shown)
    try:
        if source.startswith("salt://"):
            local = __salt__["cp.cache_file"](source)
            if not local:
                raise core.ProgramError(f"The file {source} does not exist on the controller.")
            with open(local, "rb") as file:
                data = file.read()
        else:
            data = core.fetch(source, ca_file)
        core.install(name, data, sha256, source)
    except core.ProgramError as err:
        todo = (
            f" Correct mattermost:{setting}:source or :sha256, or install the program on the host as {name} by hand."
            if setting
            else ""
        )
        return _ret(name, False, f"{err}{todo}")
    return _ret(name, True, f"{name} was downloaded from {source}.", shown)
