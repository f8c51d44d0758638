"""nginx's configuration as a transaction: what differs, the copy for the proof, the swap and its undo."""

import os

import jinja2
import mattermost_nginx_config as config
import pytest


@pytest.fixture
def tree(tmp_path):
    """A small /etc/nginx with a link in and a link out of it."""
    source = tmp_path / "etc" / "nginx"
    (source / "conf.d").mkdir(parents=True)
    (source / "sites-available").mkdir()
    (source / "sites-enabled").mkdir()
    (source / "nginx.conf").write_text(f"pid /run/nginx.pid;\nhttp {{ include {source}/conf.d/*.conf; }}\n")
    (source / "conf.d" / "site.conf").write_text("old\n")
    (source / "sites-available" / "default").write_text("default\n")
    (source / "sites-enabled" / "default").symlink_to(source / "sites-available" / "default")
    (tmp_path / "modules").mkdir()
    (source / "modules").symlink_to(tmp_path / "modules")
    return source


@pytest.fixture
def copy(tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    return target


def test_a_template_renders_from_its_context():
    assert config.render("{% if on %}\nlisten {{ port }};\n{% endif %}\n", {"on": True, "port": 80}) == b"listen 80;\n"


def test_a_name_that_the_context_lacks_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        config.render("{{ prot }}", {"port": 80})


def test_only_what_differs_is_a_change(tree):
    site, new = str(tree / "conf.d/site.conf"), str(tree / "conf.d/new.conf")
    gone = str(tree / "conf.d/gone.conf")
    assert config.differing({site: b"old\n", new: b"x", gone: None}) == {new: b"x"}
    assert config.differing({site: None}) == {site: None}


def test_a_dangling_link_is_something_to_remove(tree):
    link = tree / "conf.d/dangling.conf"
    link.symlink_to(tree / "nowhere")
    assert config.differing({str(link): None}) == {str(link): None}


def test_the_copy_has_the_changes_and_points_to_itself(tree, copy):
    config.copy_with(
        str(tree), str(copy), {str(tree / "conf.d/site.conf"): b"new\n", str(tree / "conf.d/x.conf"): b"x"}
    )
    assert (copy / "conf.d/site.conf").read_text() == "new\n"
    assert (copy / "conf.d/x.conf").read_text() == "x"
    assert f"include {copy}/conf.d/" in (copy / "nginx.conf").read_text()
    assert (tree / "conf.d/site.conf").read_text() == "old\n"


def test_the_copy_never_touches_the_real_pid_file(tree, copy):
    config.copy_with(str(tree), str(copy), {})
    text = (copy / "nginx.conf").read_text()
    assert "/run/nginx.pid" not in text
    assert f"pid {copy}/nginx.pid;" in text


def test_what_is_put_away_is_not_in_the_copy(tree, copy):
    config.copy_with(str(tree), str(copy), {str(tree / "sites-enabled/default"): None})
    assert not os.path.lexists(copy / "sites-enabled/default")
    assert (copy / "sites-available/default").exists()


def test_links_out_of_the_configuration_stay_links(tree, copy):
    config.copy_with(str(tree), str(copy), {})
    assert os.readlink(copy / "modules") == os.readlink(tree / "modules")
    assert (copy / "sites-enabled/default").read_text() == "default\n"


def test_a_dangling_include_is_dangling_in_the_copy(tree, copy):
    """nginx refuses such a link; the proof must see it too."""
    (tree / "conf.d/broken.conf").symlink_to(tree / "nowhere.conf")
    config.copy_with(str(tree), str(copy), {})
    assert (copy / "conf.d/broken.conf").is_symlink()
    assert not (copy / "conf.d/broken.conf").exists()


def test_a_large_file_is_linked_not_copied(tree, copy):
    (tree / "geo.dat").write_bytes(b"0" * (config.LARGE + 1))
    config.copy_with(str(tree), str(copy), {})
    assert (copy / "geo.dat").is_symlink()


@pytest.mark.parametrize("start", ["nginx: [emerg] ", "2026/11/24 09:21:00 [emerg] 14078#14078: "])
def test_the_refusal_names_the_real_file(start):
    output = start + 'unknown directive "bogus" in /tmp/x/conf.d/site.conf:1\nnginx: configuration file failed\n'
    reason = config.refusal(output, "/etc/nginx", "/tmp/x")
    assert reason == 'unknown directive "bogus" in /etc/nginx/conf.d/site.conf:1'
    assert config.culprit(reason, ["/etc/nginx/conf.d/ours.conf"]) == "/etc/nginx/conf.d/site.conf"
    assert config.culprit(reason, ["/etc/nginx/conf.d/site.conf"]) is None


def test_a_swap_can_be_undone(tree, tmp_path):
    site, new, link = tree / "conf.d/site.conf", tree / "conf.d/new.conf", tree / "sites-enabled/default"
    swap = config.Swap({str(site): None, str(new): b"new"}, [str(link)], str(tmp_path / "away"))
    swap.apply()
    assert (site.exists(), new.read_bytes(), os.path.lexists(link)) == (False, b"new", False)
    swap.undo()
    assert (site.read_text(), new.exists(), link.read_text()) == ("old\n", False, "default\n")
    assert link.is_symlink()


def test_a_foreign_site_is_kept_when_it_is_put_away(tree, tmp_path):
    own = tree / "sites-enabled/own"
    own.write_text("an admin's")
    swap = config.Swap({}, [str(own)], str(tmp_path / "away"))
    swap.apply()
    assert not own.exists()
    assert [path.read_text() for path in (tmp_path / "away").iterdir()] == ["an admin's"]
    swap.undo()
    assert own.read_text() == "an admin's"


def test_an_unfinished_file_is_out_of_nginxs_sight(tree, monkeypatch):
    """`include sites-enabled/*` takes every name that does not begin with a dot."""
    seen = []
    monkeypatch.setattr(config.os, "replace", lambda aside, path: seen.append(os.path.basename(aside)))
    config.write(str(tree / "sites-enabled/site"), b"x")
    assert seen[0].startswith(".")
