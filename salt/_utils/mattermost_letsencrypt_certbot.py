"""Run certbot on the host, and look after its account at the certificate authority."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse

import mattermost_json
import mattermost_letsencrypt_core as core
import mattermost_nginx_config as config
import mattermost_subprocess

NOTE = "certificates.json"
PATIENCE = 300  # seconds; a CA that looks from several places needs tens of them
TRIES = 3
# Refusals that the next try need not meet; certbot itself tries a nonce only once more, and no CA counts them.
PASSING = ("badNonce",)
# The CA's words for "I do not know this account (any more)".
UNKNOWN = ("accountDoesNotExist", "unauthorized", "malformed")


class Certbot:
    """program: name or path. authority: PEM file with the root of the CA's own HTTPS, used when it exists.

    directory, log: where this platform's certbot keeps its files and its log.
    """

    def __init__(self, program: str, authority: str, directory: str, log: str):
        self.program, self.authority, self.directory, self.log = program, authority, directory, log

    def run(self, *arguments: str) -> tuple[str, str] | None:
        """Run certbot, again when the CA only stumbled; return None, or the kind and the words of the refusal."""
        for _ in range(TRIES - 1):
            refusal = self._run(*arguments)
            if refusal is None or refusal[0] not in PASSING:
                return refusal
        return self._run(*arguments)

    def _run(self, *arguments: str) -> tuple[str, str] | None:
        environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}  # EL 7 has no C.UTF-8
        if self.authority and os.path.exists(self.authority):
            environment["REQUESTS_CA_BUNDLE"] = self.authority
        command = [self.program, *arguments, "--non-interactive", "--agree-tos", "--config-dir", self.directory]
        try:
            ended = mattermost_subprocess.run(command, env=environment, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return "unreachable", f"no answer within {PATIENCE} seconds"
        return core.reason(ended.stdout + "\n" + ended.stderr, text(self.log)) if ended.returncode else None

    def accounts(self, server: str) -> str:
        """Return the folder of the accounts at the CA *server*."""
        parts = urllib.parse.urlparse(server)
        return os.path.join(self.directory, "accounts", parts.netloc + parts.path)

    def has_account(self, server: str) -> bool:
        """Say whether there is any account at *server*: certbot takes the only one by itself."""
        return bool(_names(self.accounts(server)))

    def usable_account(self, server: str, email: str, account: str) -> tuple[str, str]:
        """Return the id of an account that *server* knows, and a warning (or "").

        account: the id in use so far, may be gone. One that the CA does not know is put aside and a new one made,
        because a renewal by the timer could not ask for it.
        """
        folder = self.accounts(server)
        if account and os.path.isdir(os.path.join(folder, account)):
            refused = self.run("update_account", "--email", email, "--server", server, "--account", account)
            if refused is None:
                return account, ""
            if refused[0] not in UNKNOWN:
                return (
                    account,
                    f"certbot's account at {server} could not be checked ({refused[0]}): {refused[1]}. Renewals still use this account. See certbot's log on the host: {self.log}",
                )
            os.rename(os.path.join(folder, account), os.path.join(self.directory, f"unknown-account-{account}"))
        before = set(_names(folder))
        refused = None if before else self.run("register", "--email", email, "--server", server)
        if refused:
            return (
                "",
                f"No account could be created at {server} ({refused[0]}): {refused[1]}. Without an account, the certificate cannot be renewed. See certbot's log on the host ({self.log}), then deploy again.",
            )
        return sorted(set(_names(folder)) - before or before)[0], ""


def _names(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def text(path: str) -> str:
    """Return the text of the file *path*, empty without one."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def remembered(work: str) -> list[str]:
    """Return the names of the certificates that we asked for on this host; others of certbot's are somebody else's."""
    return mattermost_json.parse(text(os.path.join(work, NOTE)) or "[]")


def remember(work: str, name: str) -> None:
    """Note in *work*, our own directory, that the certificate *name* is ours."""
    known = remembered(work)
    if name not in known:
        config.write(os.path.join(work, NOTE), json.dumps(sorted([*known, name])).encode(), 0o600)
