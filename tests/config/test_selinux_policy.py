"""nginx may see what closes the site, by Debian's SELinux policy: the policy is asked, no kernel enforces it here."""

import bz2
import shutil
import subprocess

import pytest

from tests import programs
from tests.config import debian_packages
from tests.config.nginx_package import SUITES

MODULES = ("base", "apache")
CLOSES = "maintenance={0}/closed\nclose_site\nls {0}/closed"


def put_together(folder):
    """Make the policy's file of the package's modules, which lie in *folder*."""
    for name in MODULES:
        content = bz2.decompress((folder / f"usr/share/selinux/default/{name}.pp.bz2").read_bytes())
        (folder / f"{name}.pp").write_bytes(content)
    for command in (
        ["semodule_link", "-o", "linked", *(f"{name}.pp" for name in MODULES)],
        ["semodule_expand", "linked", "policy"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def policy():
    """The policy's file."""
    lacking = [each for each in ("sesearch", "semodule_link", "semodule_expand") if not shutil.which(each)]
    package = ("selinux-policy", SUITES["1.22.1"][0], "selinux-policy-default", put_together)
    tree = None if lacking else debian_packages.unpacked(*package)
    if not tree:
        pytest.skip(f"NO POLICY TO ASK: {', '.join(lacking) or 'the mirror has no selinux-policy-default'}")
    return tree / "policy"


def may_see(policy, kind, what="file", permission="getattr"):
    """Say whether nginx's domain may do this to a *kind*, whatever the booleans."""
    query = ["sesearch", "--allow", "-s", "httpd_t", "-t", kind, "-c", what, "-p", permission, policy]
    rules = subprocess.run(query, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    return any(rule.endswith(";") for rule in rules)  # behind it stands the boolean that it hangs on


def closed(folder, selinux):
    """Close a site by the function of the host programs; return what chcon was called with."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin/chcon").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >{folder}/chcon; exit $(cat {folder}/fails 2>/dev/null || echo 0)\n'
    )
    (folder / "bin/chcon").chmod(0o755)
    functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
    script = f"{functions}\nPATH={folder}/bin:$PATH\n{CLOSES.format(folder)}"
    environment = {"PATH": "/usr/bin:/bin", "MATTERMOST_SELINUX": str(selinux)}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=environment, timeout=20)
    assert done.stdout.endswith("/closed\n"), done
    asked = folder / "chcon"
    return (asked.read_text().split() if asked.exists() else []), done


def test_nginx_may_see_the_file_that_closes_the_site(policy, tmp_path):
    (tmp_path / "enforce").write_text("1")
    (option, kind, path), done = closed(tmp_path, tmp_path)
    assert (option, path, done.stderr) == ("-t", f"{tmp_path}/closed", "")
    assert may_see(policy, kind)
    assert not may_see(policy, "var_run_t"), "what a file of /run is without a label: else the test shows nothing"
    assert may_see(policy, "var_run_t", "dir", "search")


@pytest.mark.exhaustive
def test_nginx_may_see_what_closes_the_site_of_a_move(policy):
    """It lies beside nginx's own files, and takes their label."""
    assert may_see(policy, "httpd_config_t")
    assert may_see(policy, "httpd_config_t", "dir", "search")


def test_without_selinux_nothing_is_labelled(tmp_path):
    assert closed(tmp_path, tmp_path / "none")[0] == []


def test_a_label_that_cannot_be_set_is_said_and_stops_nothing(tmp_path):
    (tmp_path / "enforce").write_text("1")
    (tmp_path / "fails").write_text("1")
    _, done = closed(tmp_path, tmp_path)
    assert done.returncode == 0
    assert f"SELinux may keep nginx from reading {tmp_path}/closed" in done.stderr


@pytest.mark.parametrize("name", sorted(programs.TEMPLATES))
def test_every_program_closes_the_site_in_this_one_way(name):
    lines = programs.joined(name).splitlines()
    assert [line for line in lines if '>"$maintenance"' in line or ("touch" in line and "$maintenance" in line)] in (
        [],
        ['    touch "$maintenance" || return 1'],
    )
