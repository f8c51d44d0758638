"""Whether a typed command names something that exists, for the program that runs it. No host is asked.

Trouble: Salt answers a mistyped function or argument with its help page and exit status 0, runs a deploy state that is given to
``state.orchestrate`` on the controller itself, and says of a mistyped name only that there is none.
"""

from __future__ import annotations

import difflib
import os
import re

import mattermost_settings_data as data
import yaml

from mattermost_controller.given import asked

ORCHESTRATE = ("state.orchestrate", "state.orch", "state.sls")
APPLY = ("state.apply", "state.sls", "state.sls_id", "state.show_sls", "state.show_low_sls")
ARGUMENTS = ("test", "pillar", "saltenv", "pillarenv", "pillar_enc", "exclude", "orchestration_jid")
RUN = "salt-run state.orchestrate"
OURS = "mattermost"
DEPLOY = f"{OURS}.deploy."
_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def wrong(program: str, opts: dict) -> str:
    """Return why *program* should not run what was typed, "" where it should. opts: as Salt read the command line."""
    if list(opts.get("fileserver_backend") or ["roots"]) != ["roots"]:
        return ""  # what exists cannot be listed here
    roots = list(opts.get("file_roots", {}).get("base", []))
    environments = {"saltenv": list(opts.get("file_roots", {})), "pillarenv": list(opts.get("pillar_roots", {}))}
    if program == "salt-run" and opts.get("fun") and not opts.get("doc"):
        arguments = list(opts.get("arg") or [])
        return wrong_run(opts["fun"], arguments, roots, environments) or _wrong_function(opts["fun"], opts)
    if program != "salt-ssh":
        return ""
    return wrong_target(opts) or wrong_ssh(list(opts.get("argv") or []), roots, environments)


def _wrong_function(function: str, opts: dict) -> str:
    """Return why Salt cannot run *function*, which it would say with exit status 0; "" for one that it has, or begins the name of one."""
    import salt.loader

    if function in ORCHESTRATE:
        return ""
    known = salt.loader.runner(opts)
    if function in known or any(name.startswith(f"{function}.") or name.startswith(function) for name in known):
        return ""
    return f"Salt has no function {function}. To start an orchestration, run: {RUN} mattermost.ssl"


def wrong_target(opts: dict) -> str:
    """Return why ``salt-ssh`` cannot look for the hosts that were named: Salt shows a traceback. opts: the master's."""
    if opts.get("selected_target_option") == "pcre":
        try:
            re.compile(opts.get("tgt") or "")
        except re.error as err:
            return f"The pattern after -E is not a regular expression: {err.msg}. To name a host, leave out -E: salt-ssh 'HOST' …"
    return ""


def missing(wanted, found) -> list[str]:
    """Return what of a target no entry of the roster matches. wanted, found: as of `unmatched`."""
    if isinstance(wanted, list):
        return sorted(set(wanted) - set(found))
    return [] if found else [wanted]


def unmatched(wanted, found, names: list[str]) -> str:
    """Return what to say of a target that no entry of the roster matches, "" where each of its hosts is there.

    wanted: a pattern, or a list of hosts. found: the entries that match. names: of all entries.
    """
    without = missing(wanted, found)
    if not without:
        return ""
    near = difflib.get_close_matches(without[0].lower(), names, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    entries = f"The entries are: {', '.join(names)}." if names else "The roster has no entries."
    return f"No entry of the roster matches {without[0]}. {meant}{entries}"


def wrong_run(function: str, arguments: list[str], roots: list[str], environments: dict | None = None) -> str:
    """Return why ``salt-run`` should not run *function* with *arguments* and what to type, "" where it should.

    roots: the folders of the file server. environments: names of Salt's, by the argument that takes one. Values of other arguments are
    never repeated: they may be secrets.
    """
    ours = orchestrations(roots)
    if function.startswith("mattermost"):
        name = function if function in ours else "mattermost.ssl"
        what = (
            "is the name of an orchestration, not a function. Run"
            if function in ours
            else "is not a function of Salt. To start an orchestration, run"
        )
        return f"{function} {what}: {RUN} {name}"
    if function not in ORCHESTRATE:
        near = difflib.get_close_matches(function, ORCHESTRATE[:1], cutoff=0.8)
        known = function.startswith((*(f"{each}_" for each in ORCHESTRATE[:2]), "state.orch_"))
        return f"Salt has no function {function}. Did you mean {near[0]}?" if near and not known else ""
    names = [given for given in arguments if given.strip() and not _NAMED.fullmatch(given)]
    named = [found.groups() for given in arguments if (found := _NAMED.fullmatch(given))]
    options = dict(named)
    if len(options) < len(named):
        return f"{function} takes each argument once. Write one pillar= with all keys, and one test=."
    if "mods" in options:
        names.append(options.pop("mods"))
    if len(names) != 1:
        what = f"takes one name, not {len(names)} words" if names else "needs the name of an orchestration"
        return f"{function} {what}. {_known(ours)}"
    wanted = names[0].split(",")
    if len(set(wanted) & set(ours)) > 1:
        each = " && ".join(f"{RUN} {name}" for name in wanted)
        return f"{function} takes one orchestration at a time. Run: {each}"
    if wrong := _wrong_environment(options, environments or {}):
        return wrong
    if "saltenv" not in options:
        for name in wanted:
            if wrong := _wrong_name(name, ours, roots):
                return wrong
    return next(_wrong_options(options, ours if set(wanted) <= set(ours) else [], roots, wanted), "")


def wrong_ssh(arguments: list[str], roots: list[str], environments: dict | None = None) -> str:
    """Return why ``salt-ssh`` should not apply what *arguments*, its function and what follows, name; "" where it should."""
    if not arguments:
        return ""
    function, ours = arguments[0], orchestrations(roots)
    if function in APPLY:
        return _wrong_apply(arguments, ours, roots, environments or {})
    if function in ORCHESTRATE:
        name = next((given for given in arguments[1:] if not _NAMED.fullmatch(given)), "mattermost.ssl")
        return f"{function} runs on the controller, not on a host. Run: {RUN} {name}"
    if function in ours:
        return f"{function} is an orchestration, which runs on the controller. Run: {RUN} {function}"
    if function in deploy_states(roots):
        return f"{function} is a deploy state, not a function. Run: salt-ssh 'HOST' state.apply {function}"
    if near := difflib.get_close_matches(function, APPLY, n=1, cutoff=0.88):
        return f"Salt has no function {function}. Did you mean {near[0]}?"
    return ""


def _wrong_apply(arguments: list[str], ours: list[str], roots: list[str], environments: dict) -> str:
    """Return what is wrong with one of APPLY and what follows it. ours: this tree's orchestrations."""
    place = 2 if arguments[0] == "state.sls_id" else 1  # behind a state's ID
    has_saltenv = any(given.startswith("saltenv=") for given in arguments)
    for name in ",".join(given for given in arguments[place : place + 1] if not _NAMED.fullmatch(given)).split(","):
        if name in ours:
            return f"{name} is an orchestration, which runs on the controller. Run: {RUN} {name}"
        if name.startswith(f"{OURS}.") and not has_saltenv and not _exists(name, roots):
            return f"There is no deploy state {name}. {_known(deploy_states(roots), name)}"
        if name == OURS or name.startswith(f"{OURS}."):
            for given in arguments[place + 1 :]:
                if wrong := _misspelt(given, environments):
                    return wrong
    return ""


def _misspelt(given: str, environments: dict) -> str:
    """Return what is wrong with a further argument of a deploy state: Salt ignores it, and changes the host without test=."""
    found = _NAMED.fullmatch(given)
    if not found:
        what = f"{given} is" if given.startswith(OURS) else "The states are followed by"  # else it may hold a secret
        return f"{what} a separate argument. Give several deploy states as one argument, with commas and without blanks: STATE,STATE"
    if found[1] not in ARGUMENTS:
        near = difflib.get_close_matches(found[1].lower(), ARGUMENTS, n=1)
        return f"{found[1]}= is not an argument. Did you mean {near[0]}=?" if near else ""
    options = {found[1]: found[2]}
    return _wrong_environment(options, environments) or next(_wrong_options(options, [], [], []), "")


def _wrong_environment(options: dict[str, str], environments: dict) -> str:
    """Return which of *options* names an environment of Salt's that is not there. environments: those that are, by option."""
    for name, known in environments.items():
        if options.get(name, "base") not in (*known, "base") and "__env__" not in known:
            return f"There is no environment {options[name]}. Leave out {name}=, or name one of: {', '.join(known)}."
    return ""


def orchestrations(roots: list[str]) -> list[str]:
    """Return the names of all orchestrations of this tree."""
    folders = filter(os.path.isdir, (os.path.join(root, "mattermost") for root in roots))
    files = [name for folder in folders for name in sorted(os.listdir(folder))]
    return [f"mattermost.{name.removesuffix('.sls')}" for name in files if name.endswith(".sls") and name != "init.sls"]


def deploy_states(roots: list[str]) -> list[str]:
    """Return the names of the states that a host is deployed with, without their parts."""
    folders = [os.path.join(root, "mattermost", "deploy") for root in roots]
    return [
        DEPLOY + name
        for folder in filter(os.path.isdir, folders)
        for name in sorted(os.listdir(folder))
        if os.path.isfile(os.path.join(folder, name, "init.sls"))
    ]


def _exists(name: str, roots: list[str]) -> bool:
    if "/" in name or not all(name.split(".")):
        return False  # the file server finds it, under a name that no list here has
    paths = [os.path.join(root, *name.split(".")) for root in roots]
    return any(os.path.isfile(path + end) for path in paths for end in (".sls", "/init.sls"))


def _wrong_name(name: str, ours: list[str], roots: list[str]) -> str:
    if name in ours:
        return ""
    if name == OURS or (name.startswith(DEPLOY) and _exists(name, roots)):
        return (
            f"{name} is a deploy state. {RUN} would apply it to this machine, not to a host. Nothing was changed. Run: "
            f"salt-ssh 'HOST' state.apply {name}"
        )
    if _exists(name, roots):
        return ""  # an orchestration of the user's own
    return f"There is no orchestration {name}. {_known(ours, name)}"


def _known(names: list[str], near: str = "") -> str:
    """Return which of *names* is meant by *near*, and all of them."""
    word = re.sub(f"^{OURS}[^a-z]", "", near.lower().removesuffix(".sls").replace("/", ".")).rpartition(".")[2]
    short = {name.rpartition(".")[2]: name for name in names}
    close = difflib.get_close_matches(word, short, n=1)
    meant = f"Did you mean {short[close[0]]}? " if close else ""
    return f"{meant}The known names are: {', '.join(names)}."


def _wrong_options(options: dict[str, str], ours: list[str], roots: list[str], wanted: list[str]):
    """Yield what is wrong with *options*. ours: this tree's orchestrations, by which their pillar's keys are known; empty for a user's own.

    wanted: what is to run.
    """
    from salt.utils.yaml import safe_load

    for name, text in options.items():
        if name not in ARGUMENTS:
            near = difflib.get_close_matches(name.lower(), ARGUMENTS, n=1)
            hint = (
                f"Did you mean {near[0]}?"
                if near
                else 'Write settings for one run as pillar=\'{"mattermost": {"NAME": …}}\'. Add test=True for a dry run.'
            )
            yield f"{name}= is not an argument of an orchestration. {hint}"
            continue
        try:
            value = safe_load(text)
        except yaml.YAMLError:
            value = ""
            if name == "pillar":
                yield f"pillar= cannot be read: a bracket or a quote is missing, or a key is there twice. {_AS_JSON}"
                continue
        if name == "pillar":
            yield from _wrong_pillar(value, ours, roots, wanted)
        if name == "test" and value not in (True, False, None):  # 1 and 0 too
            yield "test= must be True or False. Write test=True for a dry run."


_AS_JSON = 'Write it as JSON in single quotes, such as pillar=\'{"restore": {"snapshot": "1a2b3c4d"}}\'.'


def _wrong_pillar(value, ours: list[str], roots: list[str], wanted: list[str]):
    if not isinstance(value, dict):
        yield f"pillar= is not a mapping. {_AS_JSON}"
        return
    if ours and not isinstance(value.get(OURS, {}), dict):
        yield f'pillar= has {OURS} without settings. Write the settings below {OURS}: pillar=\'{{"{OURS}": {{"NAME": …}}}}\'.'
    known = [OURS, "acknowledged", *(name.removeprefix(f"{OURS}.") for name in ours)] if ours else []
    settings = data.load(roots)["schema"]["properties"] if ours else {}
    for name in set(asked.KEYS) & {name.removeprefix(f"{OURS}.") for name in wanted if name in ours}:
        if wrong := asked.fault(name, value.get(name) or {}):
            yield wrong
        for key in sorted(set(asked.KEYS[name]) & set(map(str, value)) - set(known)):
            yield f'pillar= has the key {key} at the wrong place. Write {key} below {name}: pillar=\'{{"{name}": {{"{key}": …}}}}\'.'
    for key in map(str, value):
        if key in settings and key not in known:
            yield f'pillar= has the setting {key} at the wrong place. Write {key} below mattermost: pillar=\'{{"mattermost": {{"{key}": …}}}}\'.'
        near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.85)
        if near and key not in known:
            yield f"pillar= has the key {key}, which nothing reads. Did you mean {near[0]}?"
