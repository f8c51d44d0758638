"""What a user hands over in the settings is nowhere that others could read it: looked for by its bytes."""

import concurrent.futures
import json
import shlex
import shutil
import subprocess
import sys

from tests import secrets

STOP = "/tmp/stop-watching"  # removed with the host


def on_host(deployment, program, timeout=600):
    return json.loads(deployment.ssh(f"python3 -c {shlex.quote(program)}", timeout=timeout))


def here(program):
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_planted_secrets_stay_where_they_belong(bare, tmp_path):
    shutil.rmtree(bare.directory / "salt", ignore_errors=True)  # what an earlier run of this test left
    bare.set(**secrets.pillar())
    bare.warm = False  # the programs' own arguments are watched
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stop = tmp_path / "stop"
        watchers = {
            "host": pool.submit(on_host, bare, secrets.watch_arguments(500, STOP)),
            "controller": pool.submit(here, secrets.watch_arguments(500, str(stop))),
        }
        run = bare.orchestrate()
        again = bare.orchestrate()
        shown = bare.command("salt-ssh", "*", "mattermost_api.config", "--out=json", "--static")
        bare.ssh(f"touch {STOP}")
        stop.touch()
        seen = {side: watcher.result() for side, watcher in watchers.items()}
    assert run.rc == 0, run
    assert again.changes == {}
    assert seen == {"host": {}, "controller": {}}, "arguments of processes held a secret"
    assert json.loads(shown.out)[bare.name]["EmailSettings"]["SMTPPassword"] == "(hidden)", shown
    assert secrets.found_in((str(run) + str(again) + str(shown)).encode()) == [], "Salt's output holds a secret"
    assert on_host(bare, secrets.search_readable()) == {}, "a file or the journal that others read holds a secret"
    assert on_host(bare, secrets.search_all(["/var/tmp", "/tmp", "/var/cache/salt", "/run/salt"])) == {}
    assert here(secrets.search_all([str(bare.directory / "salt")])) == {}, (
        "Salt's cache on the controller keeps a secret"
    )

    # the searches were able to find something: the secrets are where they belong
    found = on_host(bare, secrets.search_all(["/etc/mattermost", "/var/opt/mattermost/config"]))
    kept = {name.split(" ")[0] for names in found.values() for name in names}
    live = bare.ssh("curl -sSf --unix-socket /run/mattermost/local.socket http://localhost/api/v4/config")
    shown = json.loads(live)["EmailSettings"]["SMTPPassword"]
    assert shown == secrets.PLANTED["mail:password"], "the server itself shows its secrets over the socket"
    assert kept == {"database:password", "mail:password", "server:environment", "server:config"}
