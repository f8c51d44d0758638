"""Files of others at our names, and links that lead our directories away: refused before the first deploy, told on a host of ours."""

import fnmatch
import hashlib
import subprocess

import pytest
from mattermost_controller.hosts import probe
from mattermost_controller.preflight import belongings

from tests import repository
from tests.render import compiler
from tests.unit import probing
from tests.unit.test_preflight import findings_of, red, settings
from tests.unit.test_preflight_belongings import BY_US, STATE, probed

DEPLOY = repository.ROOT / "salt/mattermost/deploy"
RECORD = "Managed by Salt (mattermost"
DROPIN = ("dropin", "/etc/systemd/system/mattermost.service.d/x.conf")
LIVE = ("certificate", "/etc/letsencrypt/live/chat.example.test")
HOOK = ("file", "/etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx")
PROGRAM = ("program", "/usr/local/sbin/mattermost-backup")
FOREIGN = [DROPIN, LIVE, HOOK, PROGRAM, ("unit", "/etc/systemd/system/mattermost-restore@.service"),
           ("dropin", "/run/systemd/system/mattermost-backup.timer.d/x.conf"), ("dropin", "/etc/systemd/system/mattermost-.service.d/x.conf"),
           ("script", "/etc/init.d/mattermost"), ("unit", "/etc/systemd/system/mattermost.socket"),
           ("dropin", "/etc/systemd/system/mattermost.service.requires/shop.service")]  # fmt: skip
POLICY = ("policy", "/etc/systemd/system/service.d/limits.conf")
WEBROOT = "/var/www/letsencrypt"
KEYS = ("/etc/apt/keyrings/mattermost-postgresql.asc", "/etc/pki/rpm-gpg/RPM-GPG-KEY-mattermost-epel-9")


@pytest.mark.parametrize("found", FOREIGN, ids=lambda found: found[1])
def test_what_has_a_name_of_ours_and_not_our_record_is_refused(found):
    finding = findings_of(facts={"foreign": [found]})
    assert red(finding) == ["unit"]
    assert found[1] in finding["unit"].sentence
    assert "away" in finding["unit"].fix or found[0] == "script"
    deployed = findings_of(facts={**BY_US, "foreign": [found]})
    assert red(deployed) == []
    assert deployed["unit"].level == ("ok" if found == LIVE else "note")


def test_all_of_them_are_told_at_once():
    sentence = findings_of(facts={"foreign": FOREIGN})["unit"].sentence
    for path in (DROPIN[1], LIVE[1], HOOK[1], PROGRAM[1]):
        assert path in sentence


def test_what_can_be_taken_over_is_by_its_setting_and_by_an_import_in_place():
    for found in FOREIGN:
        adopting = findings_of({"server": {"adopt": True}}, {"foreign": [found]})["unit"]
        assert adopting.level == ("refusal" if found == LIVE else "note")
        assert red(findings_of(facts={"foreign": [found]}, outside={"in_place": {"tree": "/opt/mattermost"}})) == []


def test_names_of_the_vendor_are_free():
    names = ("push-proxy", "backup-check")
    found = [("program", f"/usr/local/sbin/mattermost-{name}") for name in names]
    found += [("dropin", f"/etc/systemd/system/mattermost-{name}.service.d/x.conf") for name in names]
    found += [("script", f"/etc/init.d/mattermost-{name}") for name in names]
    assert findings_of(facts={"foreign": found})["unit"].level == "ok"


@pytest.mark.parametrize(("pillar", "site"), [({}, "non-ssl"), ({"certificate": {"source": "files"}}, "ssl")])
def test_a_folder_that_certbot_is_not_to_fill_is_left_alone(pillar, site):
    assert findings_of(pillar, {"foreign": [LIVE]}, site=site)["unit"].level == "ok"


def rooted(tmp_path, given=None):
    """Look at a host whose files are below *tmp_path*."""
    text = probing.part(probe.script(["salt"], given or settings()), "foreign() {", "# the bundle that deployed it")
    for folder in ("/etc/", "/usr/local/", "/usr/lib/systemd/", "/run/systemd/"):
        text = text.replace(folder, f"{tmp_path}{folder}")
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    facts = probe.parse(done.stdout)
    return {
        path.removeprefix(str(tmp_path)) for kind, path in facts["foreign"] if belongings._is_called_ours(kind, path)
    }


def written():
    """Return each file with a name of ours that a state writes outside of the directories of the settings."""
    found = set()

    def collect(value):
        if isinstance(value, (dict, list)):
            for each in value.values() if isinstance(value, dict) else value:
                collect(each)
        elif isinstance(value, str) and fnmatch.fnmatchcase(value, "/*mattermost*") and "\n" not in value:
            found.add(value)

    for platform in ("Debian-12", "RedHat-9"):
        for chunk in compiler.low(platform, *compiler.DEPLOY):
            collect({name: value for name, value in chunk.items() if not name.startswith("__")})
    given = settings()
    own = (*given["paths"].values(), given["backup"]["repository"], "/run/", "/opt/mattermost.coming")
    folders = ("/etc/nginx/mattermost", "/usr/local/lib/mattermost")
    return {path for path in found if not path.startswith(own) and path not in folders} | {
        "/etc/yum.repos.d/mattermost.repo", "/etc/yum.repos.d/mattermost-system.repo", "/etc/apt/sources.list.d/mattermost-postgresql.sources",
        "/etc/postgresql/15/main/conf.d/mattermost.conf", DROPIN[1], LIVE[1] + "/fullchain.pem",
        *KEYS, "/etc/nginx/mattermost/notes.txt", "/etc/init.d/mattermost", "/etc/init.d/mattermost-backup",
        "/etc/systemd/system/mattermost.socket", "/run/systemd/transient/mattermost-switch.service",
        "/etc/systemd/system/mattermost.service.wants/shop.service",
    }  # fmt: skip


def test_the_look_finds_a_file_of_others_at_each_name_that_a_deploy_writes(tmp_path):
    wanted = written()
    assert "/etc/nginx/mattermost/closed" in wanted
    assert {HOOK[1], PROGRAM[1], "/etc/nginx/mattermost/tls.conf", "/etc/tmpfiles.d/mattermost-logs.conf"} <= wanted
    for path in wanted:
        place = tmp_path / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("theirs\n")
    live = {path for path in wanted if path.startswith(LIVE[1])}
    assert rooted(tmp_path) == wanted - live | {LIVE[1]}
    silent = (*KEYS, "/etc/nginx/mattermost/closed")  # what is beside them says it
    for path in wanted.difference(silent):
        (tmp_path / path[1:]).write_text(f"#!/bin/sh\n# {RECORD}.deploy.x).\n")
    assert rooted(tmp_path) == {LIVE[1]}


def test_all_that_a_deploy_writes_there_carries_the_record():
    places = [path for folder in ("etc", "usr") for path in DEPLOY.glob(f"*/files/{folder}/**/*")]
    shipped = [path for path in places if path.is_file() and not path.parent.name.endswith(".parts")]
    assert len(shipped) > 40
    assert {path.name for path in shipped if RECORD not in path.read_text()} == {"unavailable.json"}


@pytest.mark.parametrize("ending", ["", ".kept"])
def test_a_certificate_that_certbot_keeps_is_taken_over(tmp_path, ending):
    (tmp_path / LIVE[1][1:]).mkdir(parents=True)
    assert rooted(tmp_path) == {LIVE[1]}
    renewal = tmp_path / f"etc/letsencrypt/renewal/chat.example.test.conf{ending}"
    renewal.parent.mkdir()
    renewal.touch()
    assert rooted(tmp_path) == set()


def test_links_and_folders_in_the_place_of_our_files_are_found(tmp_path):
    for path in ("etc/systemd/system", "usr/local/sbin/mattermost-tell", "etc/nginx"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "etc/systemd/system/mattermost.service").symlink_to("/dev/null")
    (tmp_path / "etc/systemd/system/mattermost-backup.timer").symlink_to("nothing")
    (tmp_path / "etc/nginx/mattermost").touch()
    assert rooted(tmp_path) == {
        "/usr/local/sbin/mattermost-tell",
        "/etc/systemd/system/mattermost.service",
        "/etc/systemd/system/mattermost-backup.timer",
        "/etc/nginx/mattermost",
    }


@pytest.mark.parametrize("entries", [None, ["index.html"], [".well-known", "shop"]], ids=["file", "pages", "a shop"])
def test_a_webroot_of_others_is_refused(entries):
    found = findings_of(facts={"directories": {WEBROOT: entries}})
    assert red(found) == ["directories"]
    assert f"{WEBROOT} (mattermost:paths:webroot)" in found["directories"].sentence
    adopting = findings_of({"server": {"adopt": True}}, {"directories": {WEBROOT: entries}})
    assert adopting["directories"].level == ("note" if entries else "refusal")


def test_a_webroot_that_is_free_or_that_a_deploy_has_used_passes():
    for entries in ([], [".well-known"], ["lost+found"]):
        assert findings_of(facts={"directories": {WEBROOT: entries}})["directories"].level == "ok"
    used = {**BY_US["directories"], WEBROOT: [".well-known", "index.html"]}
    assert findings_of(facts={**BY_US, "directories": used})["directories"].level == "ok"


LED = [
    ("state", "/etc/mm"),
    ("state", "/usr/share/mm"),
    ("webroot", "/etc"),
    ("work", "/var/lib"),
    ("install", "/home/alice/mm"),
    ("install", "/run/mm"),
    ("state", "/var/lib/postgresql/15/main"),
    ("settings", "/etc/nginx/conf.d/mm"),
    ("work", "/var/opt/mattermost/work"),  # in `state`
]


@pytest.mark.parametrize(("name", "place"), LED, ids=[f"{name}-{place}" for name, place in LED])
def test_a_link_that_leads_a_directory_to_the_systems_is_refused_as_the_place_itself(name, place):
    pillar, facts = {"paths": {name: "/srv/link/mm"}}, {"real": {"/srv/link/mm": place}}
    found = findings_of(pillar, facts)
    assert red(found) == ["directories"]
    assert f"/srv/link/mm (mattermost:paths:{name}) points through a link to {place}" in found["directories"].sentence
    assert red(findings_of(pillar | {"server": {"adopt": True}}, facts)) == ["directories"]
    changed = findings_of(pillar, {**BY_US, **facts})  # the setting is new on this host
    assert "directories" in red(changed)
    record = {"state": "client-plugins", "install": "current", "work": "before.json", "settings": "secrets", "webroot": ".well-known"}  # fmt: skip
    facts["directories"] = {**BY_US["directories"], "/srv/link/mm": [record[name]]}
    assert findings_of(pillar, {**BY_US, **facts})["directories"].level == "warning"


@pytest.mark.parametrize("place", ["/mnt/disk/mm", "/var/srv/mm", "/data/mm", "/usr/local/opt/mm", "/var/lib/mm"])
def test_a_link_to_another_disk_is_free(place):
    found = findings_of({"paths": {"state": "/srv/link/mm"}}, {"real": {"/srv/link/mm": place}})
    assert found["directories"].level == "ok"


def test_a_link_is_found_wherever_on_the_way_it_is(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "disk").mkdir()
    (tmp_path / "srv").symlink_to("disk")
    (tmp_path / "webroot").touch()
    facts = probed(
        settings(),
        state=tmp_path / "link/mm",
        work=tmp_path / "srv/mm",
        install=tmp_path / "x",
        webroot=tmp_path / "webroot",
    )
    assert facts["real"] == {f"{tmp_path}/link/mm": "/etc/mm", f"{tmp_path}/srv/mm": f"{tmp_path}/disk/mm"}
    assert facts["directories"][f"{tmp_path}/webroot"] is None


def test_the_places_of_the_settings_are_not_led_by_default():
    assert STATE not in probed(settings())["real"]


def test_a_drop_in_for_all_services_is_told_and_refuses_nothing():
    found = findings_of(facts={"foreign": [POLICY]})["unit"]
    assert (found.level, POLICY[1] in found.sentence) == ("warning", True)
    assert findings_of(facts={**BY_US, "foreign": [POLICY]})["unit"].level == "note"
    assert findings_of(facts={"foreign": [POLICY], "systemd": 239})["unit"].level == "ok"  # it does not read them yet
    both = findings_of(facts={"foreign": [POLICY, PROGRAM]})["unit"]
    assert (both.level, POLICY[1] in both.sentence) == ("refusal", True)


def test_the_look_finds_a_drop_in_for_all_services(tmp_path):
    for path in (POLICY[1], "/usr/lib/systemd/system/service.d/10-timeout-abort.conf"):
        (tmp_path / path[1:]).parent.mkdir(parents=True)
        (tmp_path / path[1:]).touch()
    assert rooted(tmp_path) == {POLICY[1]}


def test_a_certificate_that_only_certbots_archive_has_is_found(tmp_path):
    archive = LIVE[1].replace("live", "archive")
    (tmp_path / archive[1:]).mkdir(parents=True)
    assert rooted(tmp_path) == {archive}


@pytest.mark.parametrize("content", ["the package's\n", "server { root /srv/shop; }\n"], ids=["untouched", "edited"])
def test_the_default_site_of_nginx_is_free_until_somebody_edits_it(tmp_path, monkeypatch, content):
    packages = tmp_path / "bin/dpkg-query"
    packages.parent.mkdir()
    known = hashlib.md5(b"the package's\n").hexdigest()
    packages.write_text(f"#!/bin/sh\necho ' {tmp_path}/etc/nginx/sites-available/default {known}'\n")
    packages.chmod(0o755)
    monkeypatch.setenv("PATH", f"{packages.parent}:/usr/bin:/bin")
    place = "/etc/nginx/sites-enabled/default"
    assert rooted(tmp_path) == set()
    for folder in ("enabled", "available"):
        (tmp_path / f"etc/nginx/sites-{folder}").mkdir(parents=True)
    (tmp_path / "etc/nginx/sites-available/default").write_text(content)
    (tmp_path / place[1:]).symlink_to("../sites-available/default")
    assert rooted(tmp_path) == ({place} if "shop" in content else set())


def test_a_site_of_others_that_is_called_as_ours_is_a_site_of_others(tmp_path):
    folder = tmp_path / "etc/nginx/conf.d"
    folder.mkdir(parents=True)
    for name in ("mattermost-ssl.conf", "mattermost-push.conf"):
        (folder / name).touch()
    text = probe.script(["salt"], settings()).replace("/etc/", f"{tmp_path}/etc/")
    facts = probe.parse(subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True).stdout)
    assert facts["nginx_sites"] == [f"{folder}/mattermost-push.conf"]
