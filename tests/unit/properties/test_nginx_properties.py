"""The real nginx takes the files of any accepted settings."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.nginx_program import BASE, NON_SSL, SSL, Tree
from tests.render import compiler
from tests.unit.properties import rendering
from tests.unit.properties.strategy import OWN, SCHEMA, values
from tests.unit.properties.test_settings_properties import CHECK, merged

PLATFORM = "Debian-12"
LONG = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 40, "example"])
NAME = st.one_of(OWN["name"], st.sampled_from([LONG, f"{'x' * 50}.example.com"]))
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "name": NAME,
        "additional_names": st.lists(NAME, max_size=4),
        "nginx": values(SCHEMA["properties"]["nginx"], "nginx"),
        "server": st.fixed_dictionaries(
            {},
            optional={
                "path": OWN["server:path"],
                "port": st.integers(1024, 65535),
                "config": st.builds(lambda size: {"FileSettings": {"MaxFileSize": size}}, st.integers(1, 2**40)),
            },
        ),
    },
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return Tree(tmp_path_factory.mktemp("nginx"), PLATFORM, BASE)


@pytest.mark.exhaustive
@CHECK
@given(given=GIVEN, site=st.sampled_from([SSL, NON_SSL]))
def test_nginx_takes_the_files_of_accepted_settings(given, site, tree):
    facts = {"site_dir": f"{tree.etc}/conf.d", "snippet_dir": f"{tree.etc}/mattermost", "log_dir": str(tree.logs)}
    here = {
        "paths": {"webroot": str(tree.webroot)},
        "platform": {"nginx": facts, "certbot": {"directory": str(tree.certificates)}},
    }
    said = merged({**compiler.PILLAR["mattermost"], **given, **here}, PLATFORM)
    live = tree.certificates / "live" / said["name"]
    if not live.exists():
        live.symlink_to(compiler.HOST_ID)
    tree.host = types.SimpleNamespace(low=lambda sls: rendering.low(PLATFORM, said, [sls]))
    for sls in (BASE, site):
        tree.lay(sls)
    assert tree.refusal() == ""
