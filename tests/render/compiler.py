"""Compile SLS in process the way salt-ssh and the orchestrate runner do, without a host.

Deploy states are rendered with a host's grains and with nothing callable but our own controller-side functions, so an
SLS that asks a host (an ssh round trip per question) fails here. Orchestrations are rendered with the master's minion.
"""

from __future__ import annotations

import functools
import itertools
import pathlib
import re
import sys
import tempfile
from unittest import mock

import jinja2
import salt.client.ssh.state
import salt.config
import salt.fileclient
import salt.loader
import salt.minion
import salt.state
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "salt" / "mattermost"
sys.path.append(str(ROOT / "salt" / "_utils"))  # as the checkout's log handler does for each Salt command
HOST_ID = "chat.example.test"
GRAINS = yaml.safe_load((ROOT / "tests/render/grains.yaml").read_text())
PLATFORMS = [
    key for key in yaml.safe_load((TREE / "platforms.yaml").read_text()) if re.fullmatch(r"[A-Za-z ]+-\d+", key)
]
# The shortest pillar with which a host can be deployed.
PILLAR = {"mattermost": {"email": "admin@example.test"}}


class CompileError(Exception):
    """What Salt says of an SLS that does not compile."""


def names(folder: pathlib.Path, pattern: str = "*.sls") -> list[str]:
    """Return the dotted names of the SLS that *pattern* finds in *folder*, in order."""
    found = set()
    for path in folder.glob(pattern):
        parts = list(path.relative_to(ROOT / "salt").with_suffix("").parts)
        found.add(".".join(parts[:-1] if parts[-1] == "init" else parts))
    return sorted(found)


TOP = "mattermost"  # what a top file names
DEPLOY = names(TREE / "deploy", "**/*.sls")
ORCHESTRATIONS = [name for name in names(TREE) if name != TOP]


class ControllerSide:
    """The functions that an SLS can call without an ssh round trip; any other name is an error.

    Not a dict: Salt's Jinja renderer would copy one and lose what is loaded on demand.
    """

    loader = ()

    def __contains__(self, name):
        return name in self.loader

    def __getitem__(self, name):
        if name in self.loader:
            return self.loader[name]
        raise CompileError(f"salt['{name}'] would ask the host while rendering.")


@functools.cache
def master_opts() -> dict:
    """Return the checkout's own Salt configuration, with everything that Salt writes in a temporary folder."""
    work = tempfile.mkdtemp(prefix="render-")
    opts = dict(salt.config.master_config(str(ROOT / "etc" / "salt" / "master")))
    opts.update(
        root_dir=work,
        cachedir=f"{work}/cache",
        pki_dir=f"{work}/pki",
        sock_dir=f"{work}/sock",
        log_file=f"{work}/log",
        extension_modules=f"{work}/ext",
        file_client="local",
        file_roots={"base": [str(ROOT / "salt")]},
        pillar_roots={"base": []},
        pillar_cache=False,
        module_dirs=[str(ROOT / "salt/_modules")],
        states_dirs=[str(ROOT / "salt/_states")],
        utils_dirs=[str(ROOT / "salt/_utils")],
    )
    return opts


def host_opts(grains: dict, pillar: dict) -> dict:
    """Return what the host's Salt would report about itself, as salt-ssh completes it."""
    master = master_opts()
    return dict(salt.config.minion_config(None, minion_id=False)) | {
        "id": HOST_ID,
        "grains": dict(grains),
        "pillar": pillar,
        "root_dir": master["root_dir"],
        "cachedir": master["cachedir"],
        "extension_modules": master["extension_modules"],
        "file_client": "local",
        "file_roots": master["file_roots"],
        "pillar_roots": master["pillar_roots"],
        "saltenv": "base",
        "thin_dir": "/var/tmp/.thin",
        "wrapper_dirs": [str(ROOT / "salt/_wrapper")],
        "__cli": "salt-call",
        "__master_opts__": master,
    }


_TEMPLATES: dict[tuple, object] = {}
_hosts = itertools.count()


def _template(self, *what, compile=jinja2.Environment.compile, **how):  # noqa: A002 (its own name)
    key = (*what, *sorted(how.items()))  # the same for each environment that Salt makes, one a template
    if key not in _TEMPLATES:
        _TEMPLATES[key] = compile(self, *what, **how)
    return _TEMPLATES[key]


def _chunks(highstate, mods: list[str]) -> list[dict]:
    """Return the low data of *mods*, compiled in the steps of Salt's own state.sls."""
    highstate.building_highstate = type(highstate.building_highstate)()  # else IDs of an earlier call conflict
    with mock.patch.object(jinja2.Environment, "compile", _template):
        return _compiled(highstate.state, *highstate.render_highstate({"base": mods}))


def _compiled(state, high: dict, errors: list[str] = ()) -> list[dict]:
    """Return the low data of high data, as Salt's own state.sls makes it."""
    try:
        high, more = state.reconcile_extend(high)
        errors = list(errors) + list(more) + list(state.verify_high(high))
        if not errors:
            high, more = state.requisite_in(high)
            errors += more
        if not errors:
            chunks, errors = state.compile_high_data(state.apply_exclude(high))
    except CompileError as err:
        errors = [str(err)]
    if errors:
        raise CompileError("\n".join(map(str, errors)))
    return chunks


class Files(salt.fileclient.FSClient):
    """The tree's files, each looked for and hashed once: it does not change while a test runs."""

    get_file = functools.cache(salt.fileclient.FSClient.get_file)
    get_state = functools.cache(salt.fileclient.FSClient.get_state)

    def __init__(self, opts: dict, modules: str):
        super().__init__(opts)
        self.channel.fs.servers = salt.loader.fileserver(opts, opts["fileserver_backend"], loaded_base_name=modules)


class Host:
    """One host of one platform with one pillar, as the controller sees it over salt-ssh."""

    def __init__(self, grains: dict, pillar: dict, options: dict | None = None):
        """options: the roster's ``minion_opts``, which reach the settings as the host's Salt options."""
        self.opts = host_opts(grains, pillar) | (options or {})
        # Salt's loaders share a module by its name, and its __opts__ are those of the one that loaded it last
        modules = f"salt.loaded.render{next(_hosts)}"
        self.functions = ControllerSide()
        self.functions.loader = salt.loader.ssh_wrapper(
            self.opts, functions=self.functions, context={}, loaded_base_name=modules
        )
        self.highstate = salt.client.ssh.state.SSHHighState(
            self.opts, None, self.functions, Files(master_opts(), modules), initial_pillar=pillar
        )
        # as salt-ssh does, but with one file client for all that templates import, not a new one for each of them
        self.highstate.state.rend = salt.loader.render(self.opts, self.functions, file_client=self.highstate.client)
        self.highstate.push_active()

    def settings(self) -> dict:
        """Return what the first line of every SLS gets."""
        return self.functions["mattermost_settings.get"]()

    def low(self, *mods: str) -> list[dict]:
        """Return the low data of these SLS, joined. Raises CompileError with Salt's own words."""
        return _chunks(self.highstate, list(mods))

    def compiled(self, high: dict) -> list[dict]:
        """Return the low data of what another Salt rendered: its own ``state.show_low_sls`` leaves ``require_in`` out."""
        return _compiled(self.highstate.state, high)


@functools.cache
def host(platform: str) -> Host:
    """Return a host of *platform* (a key of platforms.yaml) with the shortest pillar."""
    return Host(GRAINS[platform], PILLAR)


@functools.cache
def low(platform: str, *mods: str) -> list[dict]:
    """Return the low data of these SLS on *platform*, compiled once."""
    return host(platform).low(*mods)


def compile_orchestration(name: str, pillar: dict) -> list[dict]:
    """Return the low data of an orchestration as ``salt-run state.orchestrate`` compiles it, with the master's minion."""
    opts = master_opts() | {"id": "controller_master", "pillar": pillar, "grains": dict(GRAINS["Debian-12"])}
    highstate = salt.state.HighState(opts, initial_pillar=pillar)
    return _chunks(highstate, [name])


@functools.cache
def orchestration(name: str) -> list[dict]:
    """Return the low data of an orchestration with the shortest pillar, compiled once."""
    return compile_orchestration(name, PILLAR)
