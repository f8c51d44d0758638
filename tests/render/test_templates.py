"""Every template renders from the context that its state gives, as on the host, and from nothing else."""

import functools

import pytest
import salt.utils.templates

from tests import programs
from tests.render import compiler

TEMPLATES = sorted(
    set((compiler.ROOT / "salt").glob("**/files/**/*.jinja")) - set(programs.TEMPLATES.values())
)  # the others are joined on the controller: test_programs.py


class Forbidden:
    """Stands where the host's Salt would put itself; any use is a failure."""

    def __getattr__(self, name):
        raise AssertionError(f"a template asks for .{name}; it may use its context only")

    __getitem__ = __getattr__


def managed(platform):
    """Return each file that a state on *platform* renders, as low data of file.managed.

    mattermost_nginx.configured takes several files with one context, and adds whether the host has IPv6.
    """
    files = []
    for chunk in compiler.low(platform, *compiler.DEPLOY):
        if chunk.get("template") == "jinja":
            files.append(chunk)
        elif chunk["state"] == "mattermost_nginx":
            for file in chunk.get("files", []):
                if file["source"].endswith(".jinja"):
                    context = chunk["context"] | {"ipv6": True}
                    files.append(chunk | {"name": file["path"], "source": file["source"], "context": context})
    return files


def source(chunk):
    return compiler.ROOT / "salt" / str(chunk["source"]).removeprefix("salt://")


@functools.cache
def host_opts():
    return compiler.host_opts({}, {})


def render(chunk):
    """Return the template's text as file.managed makes it on the host. Raises AssertionError with Salt's words."""
    path = source(chunk)
    context = {name: Forbidden() for name in ("salt", "grains", "pillar") if name not in (chunk.get("context") or {})}
    result = salt.utils.templates.JINJA(
        str(path),
        to_str=True,
        opts=host_opts(),
        saltenv="base",
        sls="",
        source=chunk["source"],
        name=chunk["name"],
        context=(chunk.get("defaults") or {}) | (chunk.get("context") or {}),
        tmplpath=str(path),
        **context,
    )
    assert result["result"], result["data"]
    return result["data"]


def test_every_template_renders_from_its_context(platform):
    for chunk in managed(platform):
        text = render(chunk)
        assert text.strip(), f"{chunk['__id__']} renders to an empty file"
        assert "None" not in text.split(), f"{chunk['__id__']} writes None:\n{text}"


def test_every_managed_template_says_who_manages_it(platform):
    """The first lines of the finished file name the component, for an admin who finds it."""
    silent = []
    for chunk in managed(platform):
        component = chunk["__sls__"].split(".")[2]
        if f"Managed by Salt (mattermost.deploy.{component}" not in "".join(render(chunk).splitlines(True)[:3]):
            silent.append(f"{chunk['__id__']} ({chunk['name']})")
    assert silent == []


def test_no_template_is_left_over():
    """A template that no state names on any platform is dead."""
    if not TEMPLATES:
        pytest.skip("no template yet")
    dead = {f"salt://{path.relative_to(compiler.ROOT / 'salt')}" for path in TEMPLATES}
    for platform in compiler.PLATFORMS:
        if dead:
            text = str(compiler.low(platform, *compiler.DEPLOY))
            dead = {template for template in dead if template not in text}
    assert dead == set()
