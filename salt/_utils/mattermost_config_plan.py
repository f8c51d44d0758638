"""Bring a host's config.json to what is wanted: plan first, change afterwards. Without Salt, so that tests need none.

While the server runs, its memory is the truth and goes through its local socket: what is written beside it is lost when
it next saves. Otherwise the file is changed.
"""

from __future__ import annotations

import os
import pwd

import mattermost_api_core as api
import mattermost_config_core as core
import mattermost_config_file as files
import mattermost_config_from_settings as wants
import mattermost_config_keys as facts
import mattermost_environment_core as environment
import mattermost_release_tree as release_tree


class Refused(Exception):
    """Nothing was changed; ``faults`` holds one sentence for each reason."""

    def __init__(self, *faults: str):
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


class NotYet(Exception):
    """What the state builds on is not there yet; the text says what."""


class Plan:
    """What to do to one host's config.json. Read ``changes``, ``restart`` and ``notes``, then call `apply`.

    path: config.json. paths: the settings' branch. user: the service user. tree: folder of the release that is to run.
    Raises NotYet when the release or, for single keys, config.json is missing.
    """

    def __init__(self, path: str, paths: dict, user: str, tree: str):
        self.path, self.paths, self.user, self.tree = path, paths, user, tree
        self.version = os.path.basename(tree)
        self.socket = os.path.join(paths["run"], "local.socket")
        self.mark = os.path.join(paths["work"], "restart-is-due")
        self.release = files.read_json(os.path.join(tree, "config", "config.json"))
        if self.release is None:
            raise NotYet(f"Mattermost {self.version} is not unpacked at {tree} yet")
        self.file = files.read_json(path)
        self.note = files.Note(paths["work"])
        self.server = api.Api(self.socket)
        self.live = self.server.call("GET", "config") if api.answers(self.socket) else None
        self.remember: dict = {}
        self.notes: list[str] = []
        self.todo: dict = {}
        self.changes: dict = {}

    # what is wanted ---------------------------------------------------------------------------------------------------

    def want_settings(self, settings: dict, variables: dict, adopt: bool) -> None:
        """Plan for the whole of the settings; config.json is made from the release's own when there is none.

        settings: see `mattermost_config_from_settings.keys`. variables: mattermost:server:environment. adopt: take over a
        config.json that is not ours. Raises Refused.
        """
        server = settings["server"]
        held, first = wants.keys(settings)
        first = {key: value for key, value in first.items() if core.look_up(self.release, key) is not core.MISSING}
        found = wants.faults(settings)
        found += core.faults({**held, **core.flatten(server["config"])}, self.release, self.version, server["insist"])
        found += environment.faults(variables, self.release, self.version, server["config"], server["insist"])
        is_foreign = self.file is not None and not self.note.exists
        if is_foreign and not adopt:
            found.append(
                f"{self.path} was not created by this bundle. Set mattermost:server:adopt: True to take this file over with its contents,"
                " or move the file away to start with a new one."
            )
        if self.file is None and self.live is not None:
            found.append(
                f"A server is running, but {self.path} is missing. Restore that file. To start with a new file instead, stop the server on the host (systemctl stop mattermost), then deploy again."
            )
        if found:
            raise Refused(*found)
        before = core.flatten(self.note.get("first", {}))
        # a fresh server gets the address of the usual site, so that the site's own state need not restart it
        fresh = {**first, wants.SITE: f"https://{settings['name']}{settings['server']['path']}"}
        chosen = fresh if self.file is None else {} if is_foreign else wants.due(first, before)
        self.remember = {"first": core.nest({**before, **_ours(held, server["config"]), **first})}
        self._plan({**chosen, **held, **self._sign_up(settings, is_foreign)}, variables, server["insist"])
        if self.file is None:
            self.changes = {
                self.path: f"made from the config.json of Mattermost {self.version}'s release",
                **self.changes,
            }
        elif is_foreign:
            self.changes = {self.path: "taken over", **self.changes}

    def want_keys(self, keys: dict, over: dict, insist=()) -> None:
        """Plan for single keys of an existing config.json.

        keys: nested, ``{Section: {Key: value}}``. over: mattermost:server:config; its value for one of the keys wins.
        Raises Refused; NotYet when there is no config.json.
        """
        if self.file is None:
            raise NotYet(f"{self.path} does not exist yet")
        users = core.flatten(over)
        wanted = {key: users.get(key, value) for key, value in core.flatten(keys).items()}
        found = core.faults(wanted, self.release, self.version, insist)
        if found:
            raise Refused(*found)
        self._plan(wanted, self._variables_on_host(), insist)

    def _sign_up(self, settings: dict, is_foreign: bool) -> dict:
        """Sign-up stays closed until the account state has seen an account: the first one ever made rules the server,
        whoever makes it."""
        if self.note.get("opened"):
            wish = wants.sign_up(settings)
            return {} if wish is None else {wants.SIGN_UP: wish}
        if is_foreign:
            self.remember["sign_up"] = core.look_up(self.file, wants.SIGN_UP) is not False
        return {} if self.live is not None else {wants.SIGN_UP: False}

    def _variables_on_host(self) -> dict:
        try:
            with open(os.path.join(self.paths["settings"], "environment"), encoding="utf-8") as file:
                return environment.parsed(file.read())
        except FileNotFoundError:
            return {}

    # what differs -----------------------------------------------------------------------------------------------------

    def _plan(self, wanted: dict, variables: dict, insist) -> None:
        for key in [key for key in wanted if environment.variable(key) in variables]:
            del wanted[key]
            self.notes.append(
                f"{core.dotted(key)} is set by the environment variable {environment.variable(key)}, so this run does not change that key."
            )
        self.variables = variables
        base = self.release if self.file is None else self.file
        edition = release_tree.edition(os.path.dirname(self.tree), self.version)
        blocked = core.blocked(core.merged(base, wanted), self.version, variables, edition)
        if blocked:
            raise Refused(*(f"Mattermost {self.version}: {each.sentence}" for each in blocked))
        self.todo = core.differences(base, wanted)
        if self.live is not None:
            stale = core.differences(self.live, wanted)
            hidden = {key for key in stale if core.look_up(self.live, key) == facts.MASK}
            self.todo.update({key: value for key, value in stale.items() if key not in hidden})
            self._drop_unknown(insist)
        self.changes = core.changes(base, self.todo)
        if self.file is not None:
            self.changes.update(files.permission_changes(self.path, *self._owner()))

    def _drop_unknown(self, insist) -> None:
        """Keys that were insisted on and that the running server does not keep would differ in every run."""
        if self._is_upgrade():
            return
        for key in [key for key in self.todo if core.dotted(key[:2]) in insist]:
            if core.look_up(self.live, key[:2]) is core.MISSING:
                del self.todo[key]
                self.notes.append(f"The server has no key {core.dotted(key[:2])} and ignores it.")

    def _is_upgrade(self) -> bool:
        return os.path.realpath(os.path.join(self.paths["install"], "current")) != os.path.realpath(self.tree)

    def _owner(self) -> tuple[int, int]:
        try:
            account = pwd.getpwnam(self.user)
        except KeyError:
            raise NotYet(f"the user {self.user} does not exist yet") from None
        return account.pw_uid, account.pw_gid

    @property
    def restart(self) -> bool:
        """Say whether a running server needs a restart: for these changes, or for those of a run that was cut short."""
        if self.todo and self.file is not None and (self.live is None or core.needs_restart(self.todo)):
            return True
        return files.changed_since_start(self.mark, self.socket)

    # doing it ---------------------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Carry the plan out. Raises Refused when the server does not take a value."""
        owner = self._owner()
        was_due = os.path.exists(self.mark)
        if self.todo and self.restart:
            os.makedirs(self.paths["work"], mode=0o755, exist_ok=True)
            files.write(self.mark, "")  # before the change: a run that dies in between leaves the restart due
        try:
            self._apply(owner)
        except Refused:
            if not was_due and os.path.exists(self.mark):
                os.unlink(self.mark)
            raise

    def _apply(self, owner) -> None:
        if self.file is None:
            # the note first: cut short in between, the next run makes the file; the other way round it would be foreign
            self.note.keep(made=self.version, opened=False, **self.remember)
            os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
            files.write_json(self.path, core.merged(self.release, self.todo), *owner)
            return
        if self.todo and self.live is not None:
            self._apply_live(owner)
        elif self.todo:
            files.write_json(self.path, core.merged(self.file, self.todo), *owner)
        if files.permission_changes(self.path, *owner):
            files.fix_permissions(self.path, *owner)
        if self.remember:
            self.note.keep(**({} if self.note.exists else {"made": "adopted", "opened": False}), **self.remember)

    def _apply_live(self, owner) -> None:
        known = {key: value for key, value in self.todo.items() if core.look_up(self.live, key[:2]) is not core.MISSING}
        if self._unread_edits():
            # the server saves its whole memory: an edit of the file that it has not read yet would be lost
            self._ask(
                "POST",
                "config/reload",
                None,
                f"{self.path} was edited, and the server does not accept the edited file",
                "Correct that file.",
            )
        if known:
            live = self._ask(
                "GET",
                "config",
                None,
                "The server does not report its configuration",
                "See its log: journalctl -u mattermost -n 50",
            )
            sent = core.patch(known, live, files.read_json(self.path) or {})
            result = self._ask(
                "PUT",
                "config/patch",
                sent,
                "The server does not accept the new configuration",
                "Correct the named key in the settings.",
            )
            left = core.differences(result, core.flatten(sent))
            left = [core.dotted(key) for key in left if core.look_up(result, key) != facts.MASK]
            if left:
                raise Refused(
                    f"The server did not accept the value of {', '.join(left)}. See in the System Console which values the server keeps, and correct these keys in the settings."
                )
        later = {key: value for key, value in self.todo.items() if key not in known}
        if later:  # keys of the release that the coming restart brings
            files.write_json(self.path, core.merged(files.read_json(self.path) or {}, later), *owner)

    def _unread_edits(self) -> bool:
        for key, value in core.flatten(self.file).items():
            now = core.look_up(self.live, key)
            is_unknown = core.look_up(self.live, key[:2]) is core.MISSING  # to the server; below that, a map's own keys
            if is_unknown or now == facts.MASK or environment.variable(key) in self._all_variables():
                continue
            if core.differences({}, {key: value}) != core.differences({}, {key: now}):
                return True
        return False

    def _all_variables(self) -> dict:
        self.variables = {**self._variables_on_host(), **self.variables}
        return self.variables

    def _ask(self, method: str, path: str, body, what: str, todo: str):
        try:
            return self.server.call(method, path, body)
        except (api.Refused, api.Unreachable) as err:
            raise Refused(f"{what}: {str(err).rstrip('.')}. {todo}") from err


def _ours(held: dict, server_config: dict) -> dict:
    """The part of *held* that comes from our own settings, not from mattermost:server:config (which may hold secrets)."""
    users = core.flatten(server_config)
    return {key: value for key, value in held.items() if key not in users and not core.is_secret(key)}
