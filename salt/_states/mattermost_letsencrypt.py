"""Keep an ACME certificate (Let's Encrypt or any other CA) with certbot and its own timer.

.. code-block:: yaml

    certificate-is-issued:
      mattermost_letsencrypt.issued:
        - name: chat.example.org
        - email: admin@example.org
        - server: https://acme-v02.api.letsencrypt.org/directory
        - webroot: /var/www/letsencrypt
"""

from __future__ import annotations

import http.client
import os
import secrets
import subprocess
import tempfile
import time

import mattermost_engine as engine
import mattermost_letsencrypt_archive as archives
import mattermost_letsencrypt_certbot as certbot
import mattermost_letsencrypt_certificate as certificates
import mattermost_letsencrypt_core as core
import mattermost_nginx_config as config
from mattermost_answer import answer as _ret


def authority_trusted(name, pem, unit_dropin):
    """Make sure that certbot trusts the HTTPS of a private CA, now and when its timer runs.

    name: file for the CA's root. pem: the root's text; empty means a public CA: neither file is wanted.
    unit_dropin: drop-in of the unit that the timer starts.
    """
    lines = [
        "# Managed by Salt (mattermost.deploy.letsencrypt).",
        "[Service]",
        f"Environment=REQUESTS_CA_BUNDLE={name}",
    ]
    wanted = {name: pem.encode() if pem else None, unit_dropin: ("\n".join(lines) + "\n").encode() if pem else None}
    changes = config.differing(wanted)
    shown = {path: "written" if pem else "removed" for path in changes}
    if not changes:
        return _ret(name, True, "certbot trusts the certificate authority's HTTPS.")
    if __opts__["test"]:
        return _ret(name, None, "The list of authorities that certbot trusts would be changed.", shown)
    config.Swap(changes, [], "").apply()
    subprocess.run(["systemctl", "daemon-reload"], check=True, capture_output=True)
    return _ret(name, True, "certbot trusts the certificate authority's HTTPS.", shown)


def restored(
    name,
    archive,
    email,
    server,
    key_type="ecdsa",
    authority="",
    program="certbot",
    directory="/etc/letsencrypt",
    log="/var/log/letsencrypt/letsencrypt.log",
):
    """Make sure that a host without a certificate for *name* has the one of *archive*, in a way that renews.

    name: DNS name. archive: salt:// of a ``letsencrypt.tar.gz``; empty means that there is none.
    Others: as in ``issued``. An account that the CA does not know any more is replaced; a key of another type than
    *key_type* is replaced at the next renewal, not now.
    """
    if not archive or _certificate(directory, name):
        return _ret(name, True, "No certificate has to be restored from an archive.")
    if __opts__["test"]:
        return _ret(name, None, f"Would restore the certificate from {archive}.", {name: f"restored from {archive}"})
    path = __salt__["cp.cache_file"](archive)
    if not path:
        return _ret(
            name,
            False,
            f"The controller has no file {archive}. Put it into salt/mattermost/local/, or correct mattermost:letsencrypt:archive.",
        )
    os.makedirs(directory, mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".restored-") as folder:
        try:
            archives.unpack(path, folder)
            paths = archives.lineage(folder, name)
            certificates.matches(paths["chain"], paths["key"], name)
        except (archives.ArchiveError, certificates.CertificateError) as err:
            reason = str(err).replace(folder + "/", "").rstrip(".")
            return _ret(
                name,
                False,
                f"{archive} cannot be restored: {reason}. Nothing was changed. Correct that file. Or remove mattermost:letsencrypt:archive: then the next deploy requests a new certificate.",
            )
        finally:
            _remove_copy(path)
        text = core.restored_renewal(certbot.text(paths["renewal"]), directory, name, key_type)
        config.write(paths["renewal"], text.encode())
        moved = archives.move_into(folder, directory)
    ret = _ret(name, True, f"The certificate was restored from {archive}.", {name: f"{len(moved)} files restored"})
    params = core.read_renewal(text)
    if core.canonical(params["server"]) == core.canonical(server) and email:
        client = certbot.Certbot(program, authority, directory, log)
        account, warning = client.usable_account(server, email, params.get("account", ""))
        renewal = f"{directory}/renewal/{name}.conf"
        config.write(renewal, core.edit_renewal(text, {}, {"account": account or None}, params["webroot_map"]).encode())
        if warning:
            ret["warnings"] = [warning]
    return ret


def issued(
    name,
    email,
    server,
    webroot,
    work,
    key_type="ecdsa",
    authority="",
    renews_by_lifetime=False,
    program="certbot",
    directory="/etc/letsencrypt",
    log="/var/log/letsencrypt/letsencrypt.log",
    covers=(),
    now=False,
):
    """Make sure that this host has a good certificate for *name* from *server*, and that it renews by our webroot.

    name: DNS name. email: for the CA's account. server: ACME directory. webroot: served on port 80 by nginx-base.
    key_type: ecdsa or rsa. authority: PEM file with the root of the CA's own HTTPS, used when it exists.
    renews_by_lifetime: whether this certbot renews at a third of the lifetime by itself (4.0 and later).
    program, directory, log: where this platform's certbot has them. covers: all names that it must cover, *name* among them.
    now: replace a certificate that is still good, and its key. work: directory of our own.
    Result is False, with the CA's reason and everything as before, when there is no good certificate in the end.
    """
    wanted = {"name": name, "names": list(covers) or [name], "email": email, "server": server, "webroot": webroot}
    wanted["key_type"] = key_type
    wanted["renews_by_lifetime"] = renews_by_lifetime
    renewal = os.path.join(directory, "renewal", f"{name}.conf")
    if not os.path.exists(renewal) and os.path.exists(renewal + core.PARKED):
        if __opts__["test"]:
            return _ret(
                name,
                None,
                f"Would use the existing certificate of {name} again, and let certbot renew it again ({renewal}).",
                {renewal: "in use again"},
            )
        os.replace(renewal + core.PARKED, renewal)
    found = _certificate(directory, name)
    what, why = core.task(found, core.read_renewal(certbot.text(renewal)), wanted, time.time())
    if now and not what:
        what, why = "issue", "a new key was requested"
    if not __opts__["test"]:
        certbot.remember(work, name)
    client = certbot.Certbot(program, authority, directory, log)
    if not what:
        return _with_account(_adjusted(name, renewal, wanted, found), client, server, email)
    if not email:
        return _ret(
            name,
            False,
            "mattermost:email is not set, and the certificate authority requires an email address. Set mattermost:email to your address, then deploy again.",
        )
    if __opts__["test"]:
        return _ret(name, None, f"Would request a certificate from {server}, because {why}.", {name: why})
    refused = _unanswered(webroot, name) or _refused(
        wanted, client.run(*core.arguments(wanted, found is not None)), found
    )
    new = _certificate(directory, name)
    if refused and what in ("renew", "trim") and found.not_after > time.time():
        return _ret(name, True, "The certificate is still valid.") | {
            "warnings": [f"The certificate must be renewed, because {why}. {refused}"]
        }
    if refused or new is None or new == found:
        return _ret(
            name,
            False,
            refused
            or f"certbot succeeded, but {directory}/live/{name} has no new certificate. See certbot's log on the host (/var/log/letsencrypt).",
        )
    ret = _adjusted(name, renewal, wanted, new)
    until = time.strftime("%Y-%m-%d", time.gmtime(new.not_after))
    return _ret(name, True, f"{server} issued a certificate, valid until {until}.", {name: why, **ret["changes"]})


def files_installed(name, chain, key, chain_file, key_file, covers=(), now=False):
    """Make sure that the user's own certificate is in place, checked before it replaces anything.

    name: DNS name that it must be good for, as for all of *covers*. now: a new key was asked for. chain, key: salt:// of the PEM files (certificate first, then its chain;
    key without a pass phrase). chain_file, key_file: where nginx reads them.
    """
    if not chain or not key:
        wanted = "mattermost:certificate:source is files, but mattermost:certificate:chain or :key is empty. Put your files into salt/mattermost/local/ on the controller, and set both to salt://mattermost/local/NAME."
        return _ret(name, False, wanted)
    if now:
        wanted = f"Nothing was changed, because the certificate is your own. To use another one, replace the files {chain} and {key} on the controller, then deploy."
        return _ret(name, False, wanted)
    content = {chain_file: _shipped(chain), key_file: _shipped(key)}
    missing = [source for source, path in ((chain, chain_file), (key, key_file)) if content[path] is None]
    if missing:
        return _ret(
            name,
            False,
            f"The controller has no file {missing[0]}. Put it into salt/mattermost/local/, or correct mattermost:certificate.",
        )
    with tempfile.TemporaryDirectory(prefix="mattermost-certificate-") as folder:
        aside = {path: os.path.join(folder, os.path.basename(path)) for path in content}
        for path, copy in aside.items():
            config.write(copy, content[path], 0o600)
        try:
            for each in covers or (name,):
                found = certificates.check(aside[chain_file], aside[key_file], each, time.time())
        except certificates.CertificateError as err:
            fault = str(err).replace(aside[chain_file], chain).replace(aside[key_file], key)
            return _ret(
                name, False, f"{fault} Nothing was changed. Correct the files that mattermost:certificate names."
            )
    until = time.strftime("%Y-%m-%d", time.gmtime(found.not_after))
    changes = config.differing(content)
    if not changes:
        return _ret(name, True, f"Your certificate is installed, valid until {until}.")
    shown = dict.fromkeys(changes, "replaced")
    if __opts__["test"]:
        return _ret(name, None, f"Your certificate would be installed, valid until {until}.", shown)
    os.makedirs(os.path.dirname(key_file), mode=0o700, exist_ok=True)
    for path, data in changes.items():
        config.write(path, data, 0o600)
    return _ret(name, True, f"Your certificate was installed, valid until {until}.", shown)


def _shipped(source):
    """Return the bytes of a shipped file and leave no copy in Salt's cache (it may be a key); None without one."""
    path = __salt__["cp.cache_file"](source)
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    finally:
        _remove_copy(path)


def _remove_copy(path):
    """Remove what Salt sent of a file with private keys. A masterless host has no copy: there *path* is the user's own file."""
    over_ssh = engine.is_over_ssh(__opts__)
    if over_ssh or __opts__["file_client"] != "local":
        os.unlink(path)


def _certificate(directory, name):
    try:
        return certificates.read(os.path.join(directory, "live", name, "fullchain.pem"))
    except certificates.CertificateError:
        return None


def _adjusted(name, renewal, wanted, certificate):
    """Make the renewal file fit *wanted*."""
    before = certbot.text(renewal)
    after = core.wanted_renewal(before, wanted, certificate.lifetime)
    if before == after:
        return _ret(name, True, "The certificate is valid and its renewal is scheduled.")
    if __opts__["test"]:
        return _ret(name, None, f"Would change the renewal of the certificate ({renewal}).", {renewal: "changed"})
    config.write(renewal, after.encode(), 0o644)
    return _ret(name, True, "The certificate is valid. The settings of its renewal were changed.", {renewal: "changed"})


def _with_account(ret, client, server, email):
    """Make the account that a renewal needs: an archive was restored without one, and the authority did not answer then."""
    if not email or client.has_account(server):
        return ret
    if __opts__["test"]:
        text, warning = f"Would create an account at {server}.", ""
    else:
        _, warning = client.usable_account(server, email, "")
        text = f"An account was created at {server}."
    if warning:
        return ret | {"warnings": [warning]}
    result = None if __opts__["test"] else ret["result"]
    return _ret(ret["name"], result, f"{ret['comment']} {text}", {**ret["changes"], server: "account"})


def _unanswered(webroot, name):
    """Return a sentence when this host does not answer a challenge, before the CA counts a failure; else None."""
    token = secrets.token_hex(8)
    path = f"/.well-known/acme-challenge/{token}"
    config.write(webroot + path, token.encode())
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=10)
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        if answer.read().decode("utf-8", "replace") == token:
            return None
        outcome = f"answered with status {answer.status} and not with that file"
    except OSError as err:
        outcome = f"did not answer ({err})"
    finally:
        os.unlink(webroot + path)
    return (
        f"A test request for a file in {webroot} failed: port 80 of this host {outcome}. No certificate was requested. "
        f"Run first: {engine.apply_command('mattermost.deploy.nginx-base', __opts__)}"
    )


def _refused(wanted, refusal, found):
    """Return a sentence for certbot's refusal (kind, words), None without one. found: the certificate that the host has, or None."""
    if refusal is None:
        return None
    kind, words = refusal
    stays = " The existing certificate stays in use." if found else ""
    return (
        f"{wanted['server']} issued no certificate for {wanted['name']} ({kind}): {words}. {core.advice(kind)}{stays}"
    )
