"""Backups on another machine, by sftp: encrypted there, nothing of them here, and told when they are gone."""

STORE = "/etc/mattermost/secrets"


def a_given_password_must_open_it(host, backup):
    """Name another password in the settings: refused until the repository has it, and the one before is kept."""
    before = host.ssh(f"cat {STORE}/backup-password")
    host.set(backup={**backup, "password": "of somebody's choice"})
    refused = host.apply("backup")
    assert refused.rc != 0
    refusal = refused.states["backup-repository-is-usable"]["comment"]
    assert "mattermost:backup:password: it does not open the repository" in refusal
    assert host.ssh(f"cat {STORE}/backup-password") == before
    host.ssh(
        'umask 077; echo "of somebody\'s choice" >/root/word; mattermost-backup restic key add --new-password-file /root/word'
    )
    taken = host.apply("backup")
    assert taken.rc == 0, taken
    assert host.ssh(f"cat {STORE}/backup-password-until-*") == before
    assert host.orchestrate("mattermost.backup").rc == 0


def test_backups_on_another_machine_are_encrypted_there_and_its_absence_is_told(deployed_host, lab):
    host = deployed_host
    host.ssh("mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    key = host.ssh("cat /root/.ssh/id_ed25519.pub")
    with lab.passing("store") as name:
        store = lab.host(name)
        store.ssh(f"cat >>/root/.ssh/authorized_keys <<'END'\n{key}END")
        host.ssh(f"cat >>/root/.ssh/known_hosts <<'END'\n{store.known_hosts(store.address)}\nEND")
        host.set(backup={"repository": f"sftp:root@{store.address}:/srv/chat"})
        run = host.orchestrate("mattermost.backup")
        assert run.rc == 0, run
        assert "is lost with" not in run.stages["backup-is-made"]["comment"]
        drill = host.orchestrate("mattermost.drill")
        assert drill.rc == 0, drill
        assert host.ssh("ls -d /var/backups/mattermost 2>/dev/null", check=False) == ""
        assert store.ssh("ls /srv/chat/snapshots | wc -l").stdout.strip() == "1"
        found = store.ssh("grep -rlaE 'PGDMP|SiteURL|chat.example.test' /srv/chat", check=False).stdout
        assert found == "", "readable where it is kept"
        a_given_password_must_open_it(host, {"repository": f"sftp:root@{store.address}:/srv/chat"})
        store.ssh("mv /srv/chat /srv/elsewhere")
        gone = host.orchestrate("mattermost.backup")
        assert gone.rc != 0
        assert "contained backups, but cannot be opened" in gone.comments
        assert store.ssh("ls /srv").stdout.split() == ["elsewhere"], "another repository was begun in its place"
