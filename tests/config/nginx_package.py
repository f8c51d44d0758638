"""nginx as Debian's releases have it, unpacked beside each other and not installed: what platforms use, as far as the machine's mirror has it."""

from __future__ import annotations

import functools
import pathlib

from tests.config import debian_packages

# version: the suite that has it, and the packages with its program and the libraries of that
SUITES = {
    "1.18.0": ("bullseye", "nginx-core nginx-common libc6 libcrypt1 libpcre3 libssl1.1 zlib1g"),
    "1.22.1": ("bookworm", "nginx nginx-common libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g"),
    "1.26.3": ("trixie", "nginx nginx-common libc6 libcrypt1 libpcre2-8-0 libssl3t64 libzstd1 zlib1g"),
}
# a version that no release of Debian has: the next one that is asked its files instead. An older one may know less, a newer one may
# know more: what the version itself knows is told by tests/render/test_nginx_directives.py.
INSTEAD = {"1.14.1": "1.18.0", "1.20.1": "1.22.1", "1.24.0": "1.22.1", "1.28.2": "1.26.3"}


def asked(version: str) -> str:
    """Return the version whose program is asked about the files for nginx *version*."""
    return INSTEAD.get(version, version)


@functools.cache
def unpacked(version: str) -> pathlib.Path | None:
    """Return the folder of nginx *version*, with ``run``, its program, and ``etc/nginx``; None where it can't be had."""
    return debian_packages.unpacked(f"nginx/{version}", *SUITES[version], _make_it_run)


def _make_it_run(folder):
    _log_nowhere(folder / "usr/sbin/nginx")
    debian_packages.make_it_run(folder, "usr/sbin/nginx")


def _log_nowhere(program):
    """Before nginx has read where it logs, it opens a file below /var/log, whose folder only an installed package has; 1.18 cannot be told another."""
    compiled_in = b"/var/log/nginx/error.log\0"
    content = program.read_bytes().replace(compiled_in, b"/dev/null".ljust(len(compiled_in), b"\0"))
    program.write_bytes(content)
