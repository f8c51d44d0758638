"""Keep the wanted Mattermost release unpacked beside the others, ready to be switched to.

.. code-block:: yaml

    release-is-unpacked:
      mattermost_release.unpacked:
        - name: /opt/mattermost
        - release: {{ mattermost.release | json }}
        - work: {{ mattermost.paths.work }}
        - user: mattermost
"""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.parse

import mattermost_release_core as core
import mattermost_release_fetch as fetch
import mattermost_release_signature as signature
import mattermost_release_tree as tree
import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_release_facts import ReleaseError, effective
from salt.exceptions import SaltException

PROGRAM = "/usr/local/sbin/mattermost-switch"
BEGUN = "mattermost_release.begun"  # in __context__: what a download that goes on is of, and its result to come


def begun(name, release, work, ca_file=None):
    """Begin to fetch the archive that `unpacked` is going to need, and to lay it out if that is a state of this run, while others do their work.

    name, release, work, ca_file: as of `unpacked`, which waits for it and says why it failed. Never fails or reports a change; begins
    nothing where that needs no archive, or is to refuse it, or takes it from elsewhere than a server.
    """
    try:
        installed = tree.current(name)
        version = effective(release, installed)
        core.check_hop(installed, version)
        core.check_glibc(version, tree.host_glibc())
        checksum = core.check_proof(release)
    except ReleaseError:  # for `unpacked` to say
        checksum = ""
    is_due = checksum and version == release["version"] and not tree.is_whole(name, version)
    # without the authorities' certificates, which come with the packages, no server could be trusted
    if not is_due or not release["source"].startswith(("https://", "http://")) or not os.path.exists(ca_file or "/"):
        return _ret(
            name,
            True,
            "This step starts no download. If this run needs an archive of Mattermost, a later step gets that archive.",
        )
    if not __opts__["test"]:
        os.makedirs(work, mode=0o700, exist_ok=True)
        wanted = _download(version, release, checksum, work, ca_file)
        # else the folder may be another server's still, as in an import in place
        is_unpacked = ("mattermost_release", "unpacked", name)
        lays_out = any((low["state"], low["fun"], low["name"]) == is_unpacked for low in __lowstate__)
        if lays_out:
            os.makedirs(name, exist_ok=True)
            tree.sweep(name)

        def lay_out(archive):
            return archive, tree.lay_out(archive, name, version, release["edition"]) if lays_out else ""

        __context__[BEGUN] = (wanted, fetch.begin(*wanted, then=lay_out))
    return _ret(
        name,
        True,
        f"The archive of Mattermost {version} {'would be' if __opts__['test'] else 'is'} downloaded while the packages are installed.",
    )


def _download(version, release, checksum, work, ca_file):
    """Return the arguments of `fetch.archive` for this release; the folder is made."""
    downloads = os.path.join(work, "downloads")
    os.makedirs(downloads, mode=0o700, exist_ok=True)
    file_name = core.archive_name(version, release["arch"], release["edition"])
    return release["source"], file_name, checksum, downloads, ca_file


def unpacked(name, release, work, user, path="/", ca_file=None, selinux=False, gpgv=""):
    """Make sure that the release that this host should run lies whole in ``NAME/VERSION``; nothing is switched.

    name: absolute directory of all versions. release: the settings' branch of that name. work: directory whose ``downloads``
    takes the archive until it is unpacked. user: service user, who runs the archive's server once, for its version.
    path: of the site's address, for which the release's own tool rewrites the web client: the server cannot, its tree is read-only to it.
    ca_file: PEM to trust for the download. selinux: label what was unpacked. gpgv: package that has this program, installed when a release
    without a known checksum has to be proved by its signature.
    Result False, with nothing changed, for a release that cannot run here, cannot be had, or is not what was asked for.
    A release that is there already costs neither network nor checksum.
    """
    if os.path.exists(os.path.join(work, "switch", "journal")):
        # of a run whose controller died: until it has ended, nobody knows which version this host has
        if __opts__["test"]:
            return _ret(name, None, "Would wait until an earlier upgrade or rollback has ended.")
        ended = mattermost_subprocess.run([PROGRAM, "wait"])
        if ended.returncode:
            return _ret(name, False, ended.stderr.strip())
    installed = tree.current(name)
    version = effective(release, installed)
    try:
        core.check_hop(installed, version)
        if installed and version != installed and not os.path.exists(os.path.join(name, installed, "bin/mattermost")):
            raise ReleaseError(
                f"{name}/current points to {installed}, which is missing. The data belong to that version. Set mattermost:release:version"
                f" to {installed} and deploy. Upgrade after that."
            )
        is_other = tree.is_whole(name, version) and tree.edition(name, version) != release["edition"]
        if is_other and version == installed:
            raise ReleaseError(" ".join(core.other_edition(version, tree.edition(name, version), release["edition"])))
        if tree.is_whole(name, version) and not is_other:
            if tree.client_path(name, version) == path:
                return _ret(name, True, f"Mattermost {version} is in place.{core.note(release, installed)}")
            place = "the site's root" if path == "/" else f"the path {path}"
            changes = {f"{version}/client": f"set up for {place}"}
            if __opts__["test"]:
                return _ret(name, None, f"Would set up the web client of Mattermost {version} for {place}.", changes)
            tree.rewrite_client(os.path.join(name, version), path, name)
            return _ret(name, True, f"The web client of Mattermost {version} was set up for {place}.", changes)
        if version != release["version"]:
            raise ReleaseError(
                f"{name}/current points to {version}, but that directory is missing. Set mattermost:release:version to {version} to unpack that version again."
            )
        core.check_glibc(version, tree.host_glibc())
        checksum = core.check_proof(release)
        changes = {version: "unpacked"}
        if __opts__["test"]:
            return _ret(name, None, f"Would unpack Mattermost {version} from {_origin(release['source'])}.", changes)
        if not checksum and not shutil.which("gpgv"):
            try:
                __salt__["pkg.install"](gpgv)
            except SaltException as err:
                raise ReleaseError(
                    f"The archive's signature is checked by {gpgv}, which could not be installed: {err}. {signature.WAY_OUT}"
                ) from None
        _bring(name, version, release, checksum, work, user, path, ca_file, selinux)
    except (ReleaseError, OSError, subprocess.SubprocessError) as err:
        return _ret(name, False, str(err))
    return _ret(name, True, f"Mattermost {version} was unpacked in {name}/{version}.", changes)


def _origin(source):
    """Return where an archive comes from in a word: an address's server, as an address may be longer than a line of the report, else the path."""
    return urllib.parse.urlsplit(source).hostname or source


def _bring(name, version, release, checksum, work, user, path, ca_file, selinux):
    wanted = _, file_name, _, downloads, _ = _download(version, release, checksum, work, ca_file)
    underway, coming = __context__.pop(BEGUN, (None, None))
    if underway == wanted:
        archive, aside = coming.result()
    else:
        archive = fetch.archive(*wanted) if checksum else signature.archive(release, file_name, downloads, ca_file)
        aside = ""
    if not aside:
        tree.sweep(name)
        aside = tree.lay_out(archive, name, version, release["edition"])
    tree.move_in(aside, archive, name, version, user, path, selinux, release["edition"])
    shutil.rmtree(downloads, ignore_errors=True)
