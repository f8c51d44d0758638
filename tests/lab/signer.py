"""A signing key of the lab, in the place of the vendor's."""

from __future__ import annotations

import re
import subprocess


class Signer:
    """A key of its own in *folder*; expires: as gpg says it, ``never`` or ``seconds=N``."""

    def __init__(self, folder, who, expires="never", clock=""):
        self.home = folder / who
        self.home.mkdir(mode=0o700)
        self.clock = ["--faked-system-time", clock] if clock else []
        self.gpg("--passphrase", "", "--quick-generate-key", f"{who} <{who}@example.test>", "rsa2048", "sign", expires)
        self.fingerprint = re.search(r"^fpr:+([0-9A-F]{40}):", self.gpg("--with-colons", "--fingerprint"), re.M).group(
            1
        )

    def gpg(self, *words):
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--yes",
            "--pinentry-mode",
            "loopback",
            *self.clock,
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        # gpg starts helpers of its own, which would stay as long as its folder
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, path, armour=True):
        self.gpg(*(["--armor"] if armour else []), "--output", str(path), "--export")
        return path

    def sign(self, path, target):
        self.gpg("--output", str(target), "--detach-sign", str(path))
        return target
