"""Row 2: ``mattermost version`` needs nothing but itself."""

from tests.conformance import unprivileged

LABELS = ["Version", "Build Number", "Build Date", "Build Hash", "Build Enterprise Ready"]


def version(release, **more):
    return unprivileged.run([release.root / "bin/mattermost", "version"], **more)


def test_it_prints_five_lines(release, rules):
    done = version(release)
    lines = [line.split(": ", 1) for line in done.stdout.splitlines() if line]
    assert [line[0] for line in lines] == LABELS
    values = dict(lines)
    assert values["Version"] == rules.version
    assert values["Build Enterprise Ready"] == "false"
    assert done.returncode == 0


def test_it_needs_no_working_directory_no_configuration_and_no_environment(release, site):
    empty = site.home / "tmp"
    done = version(release, cwd=empty, env={})
    assert done.returncode == 0, done.stderr
    assert list(empty.iterdir()) == []


def test_an_unknown_command_fails(release):
    done = unprivileged.run([release.root / "bin/mattermost", "nonsense"])
    assert done.returncode == 1
    assert 'Error: unknown command "nonsense" for "mattermost"' in done.stderr
    assert "--help" in done.stderr
