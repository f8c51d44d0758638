"""The real nginx takes the files of any accepted settings, and answers with what was set."""

import http.client
import socket
import ssl
import types

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.nginx_program import BASE, NON_SSL, SSL, Tree
from tests.config.nginx_site import Site
from tests.config.nginx_site import values as header_values
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


def laid(tree, given, site):
    """Lay the files of *given* and one of the sites in *tree*; return the merged settings."""
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
    return said


@pytest.mark.exhaustive
@CHECK
@given(given=GIVEN, site=st.sampled_from([SSL, NON_SSL]))
def test_nginx_takes_the_files_of_accepted_settings(given, site, tree):
    laid(tree, given, site)
    assert tree.refusal() == ""


def over_tls(site, said, method, headers=None):
    """Ask for something below the site; return the status and the headers. The certificate is another name's."""
    connection = http.client.HTTPConnection(said["name"], timeout=20)
    trusting = ssl._create_unverified_context()  # noqa: S323
    connection.sock = trusting.wrap_socket(
        socket.create_connection(("127.0.0.1", site.tree.https), timeout=20), server_hostname=said["name"]
    )
    try:
        connection.request(method, f"{said['server']['path']}/x", headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheaders()
    finally:
        connection.close()


@pytest.mark.exhaustive
@hypothesis.settings(CHECK, max_examples=10)
@given(given=GIVEN)
def test_nginx_answers_with_the_settings_as_they_were_given(given, tree):
    said = laid(tree, given, SSL)
    site = Site(tree)
    try:
        for name in said["names"]:
            status, headers, _ = site.ask("/a%20b?c=%2f", tls=False, name=name)
            assert (status, header_values(headers, "location")) == (
                301,
                [f"https://{said['name'].lower()}/a%20b?c=%2f"],
            )
        seconds = said["nginx"]["hsts_seconds"]
        status, headers = over_tls(site, said, "GET")
        assert status == 503  # the maintenance page: nothing answers behind it
        assert header_values(headers, "strict-transport-security") == [f"max-age={seconds}"]
        over = {"Content-Length": str(said["nginx"]["body_limit"] + 1)}
        assert over_tls(site, said, "POST", over)[0] == 413
    finally:
        site.stop()
