"""Every rendered nginx file is valid to the real nginx of its platform, without a warning."""

import pytest

from tests.config.nginx_program import BASE, NON_SSL, SSL, Tree
from tests.render import compiler

PLATFORMS = pytest.mark.parametrize("platform", compiler.PLATFORMS)


@PLATFORMS
@pytest.mark.parametrize("ipv6", [True, False], ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("site", [(), (SSL,), (NON_SSL,)], ids=["bare", "ssl", "non-ssl"])
def test_nginx_takes_the_files(platform, site, ipv6, tmp_path):
    tree = Tree(tmp_path, platform, BASE, *site, ipv6=ipv6)
    assert tree.refusal() == ""


@PLATFORMS
def test_nginx_takes_a_long_name(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, NON_SSL, pillar={"name": f"{'x' * 50}.example.com"})
    assert tree.refusal() == ""


@PLATFORMS
def test_from_one_site_to_the_other_and_back(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    for sls in (NON_SSL, SSL):
        tree.lay(sls)
        assert tree.refusal() == ""


@PLATFORMS
def test_the_proof_can_fail(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    (tree.etc / "conf.d/bogus.conf").write_text("bogus on;\n")
    assert 'unknown directive "bogus"' in tree.refusal()


@PLATFORMS
def test_a_lost_certificate_is_seen(platform, tmp_path):
    tree = Tree(tmp_path, platform, BASE, SSL)
    tree.ca.unlink()
    assert "cannot load certificate" in tree.refusal()
