"""Every rendered nginx file is valid to the real nginx of its platform, or the next one that can be had, without a warning."""

import pytest

from tests.config.nginx_package import SUITES
from tests.config.nginx_program import BASE, NON_SSL, PLATFORMS, SSL, Tree, facts
from tests.render import compiler
from tests.soak import in_check

EACH = pytest.mark.parametrize("platform", PLATFORMS)


@EACH
@pytest.mark.parametrize("ipv6", in_check([True, False], True), ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("site", [(), (SSL,), (NON_SSL,)], ids=["bare", "ssl", "non-ssl"])
def test_nginx_takes_the_files(platform, site, ipv6, tmp_path):
    tree = Tree(tmp_path, platform, BASE, *site, ipv6=ipv6)
    assert tree.refusal() == ""


@EACH
def test_nginx_takes_a_long_name(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, NON_SSL, pillar={"name": f"{'x' * 50}.example.com"})
    assert tree.refusal() == ""


@EACH
def test_from_one_site_to_the_other_and_back(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    for sls in (NON_SSL, SSL):
        tree.lay(sls)
        assert tree.refusal() == ""


@EACH
def test_the_proof_can_fail(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    (tree.etc / "conf.d/bogus.conf").write_text("bogus on;\n")
    assert 'unknown directive "bogus"' in tree.refusal()


@EACH
def test_a_lost_certificate_is_seen(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    tree.ca.unlink()
    assert "cannot load certificate" in tree.refusal()


def test_each_version_of_a_platform_is_asked_or_one_is_named_that_is_asked_instead():
    assert {facts(platform)["version"] for platform in compiler.PLATFORMS} <= set(SUITES)
