"""A release archive on the controller: copied when the host lacks it, never otherwise."""

from mattermost_controller.stages import archive as core

PATHS = {"work": "/var/lib/mattermost-deploy"}


def release(**over):
    return {
        "version": "11.8.1",
        "arch": "amd64",
        "edition": "team",
        "source": "/home/a/x.tar.gz",
        "sha256": "ab",
        "pinned": True,
    } | over


def test_a_url_is_the_hosts_own_business():
    assert "downloads" in core.plan(release(source="https://releases.mattermost.com/x"), PATHS, None).skip
    assert "downloads" in core.plan(release(source="file:///srv/x.tar.gz"), PATHS, None).skip


def test_a_path_is_copied_to_where_the_release_state_looks():
    step = core.plan(release(), PATHS, "11.7.10")
    assert step == core.Step("", "/var/lib/mattermost-deploy/downloads/mattermost-team-11.8.1-linux-amd64.tar.gz")


def test_a_host_that_runs_it_needs_no_copy():
    assert core.plan(release(), PATHS, "11.8.1").skip


def test_a_removed_server_needs_its_archive_again():
    assert not core.plan(release(), PATHS, "11.8.1", is_unpacked=False).skip


def test_without_a_named_version_a_deployed_host_keeps_its_own():
    assert core.plan(release(pinned=False), PATHS, "11.7.10").skip
    assert not core.plan(release(pinned=False), PATHS, None).skip


def test_a_wrong_or_unknown_checksum_is_told():
    assert "not ab. Nothing was copied" in core.mismatch(release(), "cd")
    assert "Set mattermost:release:sha256" in core.mismatch(release(sha256=""), "cd")
