"""Unpack a release aside, prove it, and move it in as one rename. No Salt."""

from __future__ import annotations

import contextlib
import filecmp
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
import zlib

import mattermost_atomic_file as atomic
import mattermost_release_core as core
import mattermost_subprocess
from mattermost_identity import held
from mattermost_lines import lines_of
from mattermost_release_facts import ReleaseError, effective

# an archive grows about threefold; some air for the server's own writes
GROWTH = 4
ASIDE = ".unpack-"
CLIENT_PATH = "client-path"  # in the tree of a version: what its web client was rewritten for


def current(install: str) -> str | None:
    """Return the version that ``INSTALL/current`` names, None when there is no such link."""
    try:
        return os.path.basename(os.readlink(os.path.join(install, "current")))
    except OSError:
        return None


def wanted(install: str, release: dict) -> str:
    """Return the folder of the release that a run leaves at work. release: the settings' branch of that name."""
    return os.path.join(install, effective(release, current(install)))


def is_whole(install: str, version: str) -> bool:
    """Say whether the tree of *version* is there; it is moved in only when it is whole."""
    return os.access(os.path.join(install, version, "bin", "mattermost"), os.X_OK)


def edition(install: str, version: str) -> str:
    """Return which edition the unpacked *version* is: ``team`` or ``enterprise``."""
    licence = os.path.join(install, version, core.ENTERPRISE_LICENCE.partition("/")[2])
    return "enterprise" if os.path.exists(licence) else "team"


def host_glibc() -> str:
    """Return the version of this host's C library, e.g. ``2.36``."""
    return os.confstr("CS_GNU_LIBC_VERSION").split()[-1]


def check_room(install: str, archive: str) -> None:
    """Raise ReleaseError when *install* has no room for what *archive* holds."""
    free, needed = shutil.disk_usage(install).free, os.path.getsize(archive) * GROWTH
    if free < needed:
        raise ReleaseError(
            f"{install} has {free >> 20} MiB free, but the release needs {needed >> 20} MiB. Free some space on that disk."
        )


def sweep(install: str) -> None:
    """Remove what an unpacking that was killed left aside."""
    for name in os.listdir(install):
        if name.startswith(ASIDE):
            shutil.rmtree(os.path.join(install, name), ignore_errors=True)


def client_path(install: str, version: str) -> str:
    """Return the path that the web client of *version* was rewritten for, "" when nobody did."""
    try:
        with open(os.path.join(install, version, CLIENT_PATH), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def rewrite_client(tree: str, path: str, install: str) -> None:
    """Have the release in *tree* rewrite its web client for a site at *path* (``/`` for none). Raises ReleaseError.

    The tool writes in place, truncating, so it gets copies, made below *install*; each file of the tree is whole-old or whole-new,
    and what is cut short is done again, because the note of the path comes last.
    """
    client = os.path.join(tree, "client")
    page = os.path.join(client, "root.html")
    if not os.path.isfile(page) or not os.path.getsize(page):
        raise ReleaseError(
            f"The release has no web client: its client/root.html is {('empty' if os.path.isfile(page) else 'missing')}. {core.OTHER_ARCHIVE}"
        )
    aside = tempfile.mkdtemp(prefix=ASIDE, dir=install)
    try:
        names = [name for name in _files(client) if name.endswith((".css", "manifest.json")) or name == "root.html"]
        for name in names:
            os.makedirs(os.path.dirname(os.path.join(aside, name)), exist_ok=True)
            shutil.copy2(os.path.join(client, name), os.path.join(aside, name))
        command = [os.path.join(tree, "bin", "mmctl"), "config", "subpath", "--path", path, "--assets-dir", aside]
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        done = mattermost_subprocess.run(command, timeout=120, cwd="/", env=environment)
        if done.returncode:
            said = [line for line in lines_of(done.stderr) if line.startswith("Error")] or [f"exit {done.returncode}"]
            raise ReleaseError(
                f"The web client of this release could not be set up for the path {path}: {said[0]}. Set another mattermost:server:path or mattermost:release:version."
            )
        os.sync()
        for name in names:
            if not filecmp.cmp(os.path.join(aside, name), os.path.join(client, name), shallow=False):
                os.replace(os.path.join(aside, name), os.path.join(client, name))
        note = os.path.join(aside, CLIENT_PATH)
        with open(note, "w", encoding="utf-8") as file:
            file.write(f"{path}\n")
        os.sync()
        os.replace(note, os.path.join(tree, CLIENT_PATH))
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _files(folder: str) -> list[str]:
    """Return every plain file below *folder*, relative to it."""
    return [
        os.path.relpath(os.path.join(place, name), folder)
        for place, _, names in os.walk(folder)
        for name in names
        if not os.path.islink(os.path.join(place, name))
    ]


def lay_out(archive: str, install: str, version: str, edition: str = "team") -> str:
    """Unpack *archive* aside and return the folder, for `move_in`: nothing that it needs of this host has to be there yet.

    Every member is checked before it is written. Raises ReleaseError with the reason; nothing is left behind then.
    """
    with held:
        check_room(install, archive)
        aside = tempfile.mkdtemp(prefix=ASIDE, dir=install)
        os.chmod(aside, 0o755)  # noqa: S103 - the service user runs the version check in it
    with _aside(aside, archive, install):
        core.check_members(_extract(archive, aside), version, edition)
        os.sync()
    return aside


def move_in(
    aside: str,
    archive: str,
    install: str,
    version: str,
    user: str,
    path: str = "/",
    restorecon: bool = False,
    edition: str = "team",
) -> None:
    """Move what `lay_out` laid out of *archive* to ``INSTALL/VERSION``, whole or not at all; before that the server says its version itself.

    user: the service user, who runs the version check. path: see `rewrite_client`. restorecon: label the tree (SELinux).
    Raises ReleaseError with the reason; nothing is left behind then.
    """
    umask, target = os.umask(0o022), os.path.join(install, version)
    try:
        with _aside(aside, archive, install):
            tree = os.path.join(aside, core.ROOT)
            core.check_version_output(_version_of(tree, user), version, edition)
            rewrite_client(tree, path, aside)
            os.sync()
            if os.path.isdir(target):  # left by hand: without a server in it, or it would count as whole
                os.rename(target, os.path.join(aside, "replaced"))
            os.rename(tree, target)
            atomic.sync_directory(install)
    finally:
        os.umask(umask)
        shutil.rmtree(aside, ignore_errors=True)
    if restorecon:
        subprocess.run(["restorecon", "-RF", target], check=True, capture_output=True)


@contextlib.contextmanager
def _aside(folder: str, archive: str, install: str):
    """Remove *folder* if this fails; say what fails of *archive* and of the disk below *install* as ReleaseError."""
    try:
        yield
    except BaseException as err:
        with held:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(err, (tarfile.TarError, EOFError, zlib.error)):
            reason = f"{archive} is not a readable archive: {err}. Correct mattermost:release:source."
        elif isinstance(err, OSError):
            reason = f"Unpacking {archive} below {install} failed: {err}. Check that disk on the host: df -h {install}"
        else:
            raise
        raise ReleaseError(reason) from None


def _extract(archive: str, folder: str) -> set[str]:
    with held:
        names, folder, opened = set(), os.path.realpath(folder), tarfile.open(archive, "r|gz")  # noqa: SIM115
    with opened as tar:
        for member in core.members(tar):
            names.add(member.name)
            with held:
                file = _placed(member, folder)
            if file is not None:
                with file:
                    shutil.copyfileobj(tar.extractfile(member), file, 1 << 20)
    return names


def _placed(member: tarfile.TarInfo, folder: str):
    """Make the directory or link *member*, or an empty file, which is returned open for writing. Raises ReleaseError."""
    path = os.path.join(folder, member.name)
    if os.path.realpath(os.path.dirname(path)) != os.path.dirname(path):
        raise ReleaseError(
            f"The archive's member {member.name!r} is below a symbolic link, which may point elsewhere. {core.OTHER_ARCHIVE}"
        )
    _make(os.path.dirname(path))
    if member.isdir():
        return _make(path)
    if member.issym():
        return os.symlink(member.linkname, path)
    mode = 0o755 if member.mode & 0o111 else 0o644
    # O_NOFOLLOW and O_EXCL: a link made by an earlier member is never written through
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    os.fchmod(descriptor, mode)
    return os.fdopen(descriptor, "wb")


def _make(folder: str) -> None:
    """Make *folder* readable for all, whatever the process, whose other states may be at work, lets its files be."""
    if not os.path.isdir(folder):
        _make(os.path.dirname(folder))
        os.mkdir(folder)
        os.chmod(folder, 0o755)  # noqa: S103


def _version_of(tree: str, user: str) -> str:
    account = pwd.getpwnam(user)
    done = mattermost_subprocess.run(
        [os.path.join(tree, "bin", "mattermost"), "version"],
        timeout=120,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
    )
    if done.returncode:
        lines = lines_of((done.stderr or done.stdout).strip())
        raise ReleaseError(
            f"The server in the archive does not run on this host: {(lines[0] if lines else f'exit {done.returncode}')}. Check that mattermost:release:source is for this host's processor and system."
        )
    return done.stdout
