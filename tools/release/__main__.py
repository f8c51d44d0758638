"""make release VERSION=11.8.2: fetch a release, look at it, and put its checksum into the table with what it was proved by."""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "salt" / "_utils"))

import mattermost_release_core as core  # noqa: E402
import mattermost_release_fetch as fetch  # noqa: E402

from tools.release import archive, table, vendor  # noqa: E402

TABLE = ROOT / "salt" / "mattermost" / "releases.yaml"


def main(arguments: list[str], pause=time.sleep) -> int:
    """Do it; return the exit status: 0 when the row is in the table, 1 with one sentence when it is not."""
    given = _parser().parse_args(arguments)
    try:
        core.parse(given.version)
        with tempfile.TemporaryDirectory(prefix="release-") as folder:
            _add(given, pathlib.Path(folder), pause)
    except (core.ReleaseError, table.TableError) as err:
        print(f"Not added: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--arch", default="amd64", choices=("amd64", "arm64"))
    parser.add_argument("--source", default=vendor.SOURCE, help="URL with {version} and {arch}, or a file")
    parser.add_argument("--page", default=vendor.PAGE, help="page on which the vendor lists checksums: URL, or a file")
    parser.add_argument("--sha256", default="", help="checksum of the archive that you read on a page of the vendor")
    parser.add_argument("--key", default="", help="file with the vendor's public key, to check the archive's .sig file")
    parser.add_argument("--ca-file", default="", help="PEM file with the CA of your own mirror")
    parser.add_argument(
        "--trust-first-download",
        action="store_true",
        help="add the release even if no checksum and no signature of the vendor confirms it",
    )
    parser.add_argument("--table", default=str(TABLE), help=argparse.SUPPRESS)
    return parser


def _add(given, folder: pathlib.Path, pause) -> None:
    version, arch = given.version, given.arch
    source = given.source.replace("{version}", version).replace("{arch}", arch)
    path = _brought(source, folder / core.archive_name(version, arch), given.ca_file, pause)
    found = core.check_sha256(version, fetch.sha256(str(path)))
    _say("archive", f"{source}, {path.stat().st_size / 1e6:.0f} MB, SHA-256 {found}")
    target = pathlib.Path(given.table)
    text = target.read_text(encoding="utf-8")
    table.with_row(text, arch, version, found, "")  # another sum in the table ends it here
    proofs = _proofs(given, source, path, found, pause)
    contents = archive.inspect(str(path), version)
    _say(
        "contents",
        f"Team Edition {version}, {contents.members} files and folders; glibc that its programs need: {contents.glibc or 'none'}",
    )
    if table.row_of(text, arch, version):
        _say("table", "the table already has this checksum, so nothing was written")
        return
    if not proofs and not given.trust_first_download:
        raise core.ReleaseError(
            "no checksum and no signature of the vendor confirms this download. Run the same make command again, and add one of these to it: SHA256=… (the "
            "checksum that the vendor publishes), KEY=… (a file with the vendor's public key), TRUST_FIRST=yes (add the version without a proof)."
        )
    today = datetime.datetime.now(datetime.timezone.utc).date()
    remark = f"{today}: {', '.join(proofs) or 'not confirmed by the vendor (TRUST_FIRST=yes)'}"
    new = target.with_name(f"{target.name}.new")
    new.write_text(table.with_row(text, arch, version, found, remark), encoding="utf-8")
    os.replace(new, target)
    _say("table", f"{version} ({arch}) was added with this remark: {remark}")


def _proofs(given, source: str, path: pathlib.Path, found: str, pause) -> list[str]:
    """Return what of the vendor's agrees with the sum, in words. Raises ReleaseError when anything says otherwise."""
    proofs = []
    if given.sha256:
        if given.sha256.lower() != found:
            raise core.ReleaseError(
                f"SHA256= is {given.sha256}, but the checksum of this archive is {found}. Compare "
                "SHA256= with the checksum on the vendor's page. If they are equal, this archive is wrong: download it again."
            )
        proofs.append("the checksum was given (SHA256=)")
    name = core.archive_name(given.version, given.arch)
    page, why = _page(given, path.parent, pause)
    listed = vendor.published(page, name)
    if listed and found not in listed and not given.sha256:
        raise core.ReleaseError(
            f"the vendor's page lists {', '.join(sorted(listed))} for {name}, but the checksum of this archive is {found}. If the page is out of date and you "
            "know the right checksum, add it to the same make command: SHA256=…"
        )
    if found in listed:
        proofs.append("the vendor's page lists this checksum")
    said = f"could not be read ({why})" if why else "does not list this archive"
    if listed:
        said = "lists this checksum" if found in listed else "lists a different checksum"
    _say("page", f"{given.page}: {said}")
    if given.key:
        signature = _brought(f"{source}.sig", path.with_name(f"{path.name}.sig"), given.ca_file, pause)
        fingerprint = vendor.signer(str(path), str(signature), given.key)
        proofs.append(f"signed by {fingerprint}")
        _say("signature", f"good, made by the key {fingerprint} in {given.key}")
    else:
        _say(
            "signature",
            "not checked, because KEY= was not given. To check it, give KEY=FILE, a file with the vendor's public key",
        )
    return proofs


def _page(given, folder: pathlib.Path, pause) -> tuple[str, str]:
    """Return the text of the vendor's page, and why it cannot be had: one of the two is ""."""
    try:
        page = _brought(given.page, folder / "page", given.ca_file, pause)
    except core.ReleaseError as err:
        return "", str(err).rstrip(".")
    return page.read_text(encoding="utf-8", errors="replace"), ""


def _brought(source: str, target: pathlib.Path, ca_file: str, pause) -> pathlib.Path:
    """Return a local file of *source*: itself when it is one, else fetched, going on where a transfer broke."""
    if not source.startswith("https://"):
        path = pathlib.Path(source.removeprefix("file://"))
        if "://" in str(path) or not path.is_file():
            raise core.ReleaseError(f"{source} is neither an https:// address nor a file on this machine.")
        return pathlib.Path(shutil.copyfile(path, target))
    fetch.complete(source, str(target), ca_file or None, pause)
    return target


def _say(what: str, text: str) -> None:
    print(f"{what:<10} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
