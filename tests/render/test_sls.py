"""Every SLS compiles on every platform, and follows the rules that keep the tree readable and safe to join."""

import re
import subprocess

import pytest
import salt.utils.yaml

from tests.render import compiler, signatures

FILES = sorted((compiler.ROOT / "salt").glob("**/*.sls"))
TEMPLATES = sorted(path for path in (compiler.ROOT / "salt").glob("**/files/**/*") if path.suffix == ".jinja")
# The one way to the settings, in deploy states and in orchestrations.
SETTINGS_LINE = "{% set mattermost = salt['mattermost_settings.get']() %}"
ASKING = re.compile(r"\bsalt\s*[\[.](?!//)|\bgrains\b|\bpillar\b|\bopts\b|__(salt|grains|pillar|opts)__")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# What one run of an orchestration joins, and what one host never gets together.
SSL = ("database", "server", "nginx-base", "firewall", "letsencrypt", "nginx-ssl", "backup")
NON_SSL = ("database", "server", "nginx-base", "firewall", "nginx-non-ssl", "backup")


def relative(path):
    return str(path.relative_to(compiler.ROOT))


def existing(names):
    wanted = [f"mattermost.deploy.{name}" for name in names]
    return [name for name in wanted if name in compiler.DEPLOY]


def test_the_tests_know_every_platform():
    assert compiler.PLATFORMS
    assert [key for key in compiler.PLATFORMS if key not in compiler.GRAINS] == []


def test_each_deploy_state_works_alone(platform, sls):
    compiler.low(platform, sls)  # raises with Salt's words; one that is all switched off by data may be empty


def test_each_orchestration_compiles(orchestration):
    assert compiler.orchestration(orchestration)


def test_what_the_backup_logs_in_by_is_made_before_it(orchestration):
    """A host that an earlier bundle deployed lacks it, and the component refuses without."""
    applied = [chunk["apply"] for chunk in compiler.orchestration(orchestration) if "apply" in chunk]
    if "mattermost.deploy.backup" in applied:
        before = applied[: applied.index("mattermost.deploy.backup")]
        assert {"mattermost.deploy.database.login", "mattermost.deploy.database"} & set(before)


def test_all_deploy_states_can_be_joined(platform):
    low = compiler.low(platform, *compiler.DEPLOY)
    identities = {}
    for chunk in low:
        identities.setdefault(chunk["__id__"], set()).add((chunk["__sls__"], f"{chunk['state']}.{chunk['fun']}"))
    assert {name: sorted(uses) for name, uses in identities.items() if len(uses) > 1} == {}


@pytest.mark.parametrize("names", [SSL, NON_SSL], ids=["ssl", "non-ssl"])
def test_no_file_belongs_to_two_states(platform, names):
    owners = {}
    for chunk in compiler.low(platform, *existing(names)):
        if chunk["state"] == "file" and chunk["fun"] in ("managed", "absent", "symlink", "directory"):
            owners.setdefault(chunk["name"], []).append(chunk["__id__"])
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


def test_state_ids_are_claims_in_kebab_case(platform):
    ids = {chunk["__id__"] for chunk in compiler.low(platform, *compiler.DEPLOY)}
    ids |= {chunk["__id__"] for name in compiler.ORCHESTRATIONS for chunk in compiler.orchestration(name)}
    assert sorted(name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)) == []


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_state_ids_are_static(path):
    """An ID with Jinja in it cannot be searched for, and a loop over one makes requisites guesswork."""
    ids = [line for line in path.read_text().splitlines() if re.match(r"^[^\s#{].*\{[{%]", line)]
    assert ids == []


def test_every_call_fits_its_state_function(platform):
    faults = [text for chunk in compiler.low(platform, *compiler.DEPLOY) for text in signatures.faults(chunk, "host")]
    assert faults == []


def test_every_orchestration_call_fits_its_state_function(orchestration):
    faults = [
        text for chunk in compiler.orchestration(orchestration) for text in signatures.faults(chunk, "controller")
    ]
    assert faults == []


def test_modes_are_quoted_with_a_leading_zero(platform):
    modes = {
        f"{chunk['__id__']}: {key}={value!r}"
        for chunk in compiler.low(platform, *compiler.DEPLOY)
        for key, value in chunk.items()
        if key.endswith("mode") and isinstance(value, (int, str))
        if not (isinstance(value, str) and re.fullmatch(r"0[0-7]{3}|keep", value))
    }
    assert modes == set()


def test_every_shipped_file_exists(platform):
    """salt-ssh ships what the low data names; a file that is missing shows only on the host."""
    missing = []
    for chunk in compiler.low(platform, *compiler.DEPLOY):
        for url in re.findall(r"salt://([^\s'\",]+)", str(chunk)):
            if not (compiler.ROOT / "salt" / url).exists() and not url.startswith("mattermost/local/"):
                missing.append(f"{chunk['__id__']}: salt://{url}")
    assert missing == []


def test_downloads_name_their_checksum(platform):
    loose = [
        chunk["__id__"]
        for chunk in compiler.low(platform, *compiler.DEPLOY)
        if chunk.get("skip_verify") or (str(chunk.get("source", "")).startswith("http:") and "source_hash" not in chunk)
    ]
    assert loose == []


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_an_sls_asks_for_nothing_but_the_settings(path):
    text = path.read_text()
    asked = [block for block in JINJA.findall(text) if block != SETTINGS_LINE and ASKING.search(block)]
    assert asked == []


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_a_template_asks_for_nothing_but_its_context(path):
    asked = [block for block in JINJA.findall(path.read_text()) if ASKING.search(block) or "import" in block.split()]
    assert asked == []


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_an_sls_opens_with_what_it_gives(path):
    assert path.read_text().startswith(("# ", "{# ", "{#- "))


# the common parts, and what they start with on platforms that lack packages
COMMON = (
    "mattermost.deploy.common",
    "mattermost.deploy.alone",
    "mattermost.deploy.notify",
    "mattermost.deploy.repositories.",
)


def test_a_deploy_state_includes_nothing_but_the_common_part(platform, sls):
    """The order of components is the orchestration's business."""
    own = sls.split(".")[:3]
    foreign = {
        chunk["__sls__"]
        for chunk in compiler.low(platform, sls)
        if chunk["__sls__"].split(".")[:3] != own and not chunk["__sls__"].startswith(COMMON)
    }
    assert foreign == set()


def test_low_data_survives_the_way_to_the_host(platform):
    """Nothing but plain values: a Jinja macro or an undefined value in low data breaks on the host only."""
    low = compiler.low(platform, *compiler.DEPLOY)
    assert salt.utils.yaml.safe_load(salt.utils.yaml.safe_dump(low)) is not None


@pytest.mark.parametrize("name", ["backup", "drill", "rollback"])
def test_it_gives_the_programs_their_login_and_changes_nothing_else_of_postgresql(platform, name):
    """An earlier bundle did not make that login; PostgreSQL's packages, settings and restarts belong to a deploy."""
    applied = [chunk["apply"] for chunk in compiler.orchestration(f"mattermost.{name}") if "apply" in chunk]
    low = compiler.low(platform, *applied)
    assert {chunk["fun"] for chunk in low if chunk["state"] == "mattermost_database"} == {
        "access_granted",
        "login_works",
    }
    packages = [package for chunk in low if chunk["state"] == "pkg" for package in chunk.get("pkgs", [])]
    assert [package for package in packages if "postgresql" in package] == []


def packages(low, *names):
    """Return the packages that the states of *low* install, those with *names* alone when some are given."""
    chosen = [chunk for chunk in low if chunk["state"] == "pkg" and (not names or chunk["__id__"] in names)]
    return {str(package) for chunk in chosen for package in chunk["pkgs"]}


def test_a_first_deploy_installs_its_packages_in_one_transaction(platform):
    applied = [chunk["apply"] for chunk in compiler.orchestration("mattermost.ssl") if "apply" in chunk]
    low = compiler.low(platform, *applied)
    before = packages(low, "certificates-of-authorities-are-recent")  # without them the others could not be fetched
    assert packages(low) - before == packages(low, "packages-are-installed") - before
    by_order = [chunk["__id__"] for chunk in sorted(low, key=lambda chunk: chunk["order"])]
    assert by_order.index("ssh-is-allowed-before-the-firewall-is-installed") < by_order.index("packages-are-installed")


def test_what_asks_restic_is_a_whole_script():
    """Jinja takes the last line break of a text that it imports."""
    (asked,) = [
        one
        for one in compiler.low("Debian-12", "mattermost.deploy.backup")
        if one["state"] == "mattermost_backup_repository"
    ]
    done = subprocess.run(["/bin/sh", "-n"], input=asked["script"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_package_lists_are_fetched_in_each_run():
    """How old apt's folder of lists is does not tell what is in it: it is empty on a new image, and without a new repository."""
    (chunk,) = [
        each
        for each in compiler.low("Debian-12", "mattermost.deploy.packages")
        if each["__id__"] == "packages-are-installed"
    ]
    assert "cache_valid_time" not in chunk


def test_a_minion_gets_its_firewall_last():
    pillar = {"mattermost": {**compiler.PILLAR["mattermost"], "engine": "minion"}}
    low = compiler.Host(compiler.GRAINS["Debian-12"], pillar).low("mattermost.deploy.packages")
    assert "firewalld" not in packages(low)
    assert "nginx" in packages(low)


def test_each_orchestration_ends_in_the_report_whatever_failed(orchestration):
    *before, last = sorted(compiler.orchestration(orchestration), key=lambda chunk: chunk["order"])
    if orchestration == "mattermost.status":  # one step, whose result programs read; it prints its report itself
        assert before == []
        return
    assert (last["state"], last["fun"]) == ("mattermost_report", "shown")
    assert [key for key in last if key.startswith(("require", "onfail", "onchanges", "watch"))] == []


def test_a_run_that_upgrades_nothing_is_not_refused_for_an_upgrade():
    asks = {}
    for name in (each.removeprefix("mattermost.") for each in compiler.ORCHESTRATIONS):
        low = compiler.orchestration(f"mattermost.{name}")
        fitness = [chunk for chunk in low if (chunk["state"], chunk["fun"]) == ("mattermost_preflight", "passed")]
        upgrades = any(chunk.get("apply") == "mattermost.deploy.server" for chunk in low)
        for chunk in (
            fitness[:1] if len(fitness) > 1 else fitness * (not upgrades)
        ):  # the first of a move's is its source's
            asks[name] = {"downgrade", "edition", "license", "sign-in", "upgrade-changes", "user-limit"} - set(
                chunk.get("leave_out", ())
            )
    assert {"backup", "drill", "renew", "move", "rollback"} <= set(asks)
    assert {name: left for name, left in asks.items() if left} == {}
