"""Note what the host is like before anything of ours is there, for the day it shall be so again."""

from __future__ import annotations

import mattermost_baseline_record as records
import mattermost_bundle_record as bundle_record
import mattermost_config_file as files
import mattermost_engine as engine
import mattermost_packages as packages
from mattermost_answer import answer as _ret


def recorded(name, platform, paths, bundle):
    """Have the record of the host as it was before the first deploy.

    name: only the state's name. platform, paths: branches of the settings. bundle: as for ``mattermost_bundle.recorded``. Taken
    once; anew when the host is deployed after a removal. A host that was deployed before there were records gets none: what it
    was like is not known any more. The bundle is noted with it: what comes to a host without anything of ours is this version's.
    Which engine applies it is noted each time, and never a change: any engine may take over a host.
    """
    place = records.path(paths["work"])
    try:
        if not __opts__["test"]:
            engine.note(paths["work"], __opts__)
        old = records.read(paths["work"])
        if not records.is_needed(old, records.is_deployed(paths)):
            known = f"The state of this host before the first deploy is recorded in {place}."
            return _ret(
                name,
                True,
                known
                if old
                else "An older version of this bundle deployed this host without a record of the previous state. So a removal keeps packages and accounts.",
            )
        if __opts__["test"]:
            return _ret(name, None, f"Would record the present state of this host in {place}.")
        record = records.without_our_leftovers(records.inspect(platform, paths), old)
        bundle_record.write(paths["work"], bundle)
        records.write(paths["work"], record)
    except (files.FileError, packages.PackageError) as err:
        return _ret(name, False, f"The state of this host could not be recorded: {err}")
    except OSError as err:
        return _ret(
            name,
            False,
            f"The state of this host could not be recorded: {err}. See on the host whether a disk is full: df -h",
        )
    shown = f"{len(record['packages'])} packages, {len(record['users'])} users, {place}"
    return _ret(name, True, "The state of this host before the deploy was recorded.", {"noted": shown})
