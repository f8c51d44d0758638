"""What an earlier version's program began and was cut in, by its files as they lay on disk, is ended by this version's."""

import pytest

from tests.unit.hostprogram import test_new_database_password as rotation
from tests.unit.hostprogram import test_postgresql as postgresql
from tests.unit.hostprogram import test_restore as restore

ID = "20261101020304"
host, keeper = postgresql.host, postgresql.keeper  # the fixtures


def lay(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def in_exchange(folder, side, mark):
    """Have a restore's exchange done but for its end. mark: the file that says how far it is."""
    for part in ("data", "plugins", "client-plugins"):
        lay(folder, {f"state/replaced-{ID}/{part}/side": "old\n", f"state/{part}/side": "new\n"})
    lay(folder, {f"state/replaced-{ID}/config.json": "old\n", restore.CONFIG: "new\n"})
    lay(folder, {"databases/mm": "new\n", f"databases/mm_replaced_{ID}": "old\n"})
    lay(folder, {f"deploy/backup/{mark}": f"{ID}\n", "deploy/backup/closed": ""})
    (folder / "server").unlink()
    assert restore.work(folder, "back").returncode == 0
    assert restore.databases(folder)["mm"][0] == side
    restore.assert_whole(folder, side)


@pytest.mark.parametrize(("mark", "side"), [("open", "old"), ("restored", "new")])
def test_a_restore(tmp_path, mark, side):
    in_exchange(restore.made(tmp_path), side, mark)


@pytest.mark.parametrize("closed", [True, False])
def test_a_rotation(tmp_path, closed):
    folder = rotation.made(tmp_path)
    texts = {"password": "new", "forward.sql": "new", "back.sql": "old", "environment": "new", "before": "old"}
    lay(folder, {f"settings/secrets/rotation/{name}": f"{text}\n" for name, text in texts.items()})
    lay(folder, {"settings/secrets/rotation/begun": "", "database": "new\n", "settings/environment": "new\n"})
    lay(folder, {"deploy/rotate/closed": ""} if closed else {})
    lay(folder, {"server": "stopped\n"})
    assert rotation.work(folder).returncode == 0
    assert "result=undone" in rotation.everywhere(folder, "old")


@pytest.mark.parametrize(("last", "is_new"), [("switched", False), ("serving", True)])
def test_an_upgrade_of_postgresql(host, last, is_new):
    """`saved` of the upgrade before, which an earlier program may have left, too."""
    records = ["begin 1", "stopped", "old-stopped", "copied", "switched", "serving"]
    journal = "".join(f"{record}\n" for record in records[: records.index(last) + 1])
    lay(host, {"deploy/postgresql/journal": journal, "deploy/postgresql/closed": "", "new/rows": "posts 5 12345\n"})
    lay(host, {"deploy/postgresql/before": "posts 5 12345\n", "deploy/postgresql/after": "posts 5 12345\n"})
    for name in ("units/mattermost.service", "settings/switch.conf"):
        kept = str(host / name).replace("/", "%")
        lay(host, {f"deploy/postgresql/saved/{kept}": (host / name).read_text()})
        lay(host, {name: (host / name).read_text().replace("old", "new")})
    lay(host, {"old-etc/start.conf": "disabled\n", "new-etc/start.conf": "auto\n"})
    for name in ("old/postmaster.pid", "server"):
        (host / name).unlink()
    postgresql.work(host)
    (postgresql.is_new if is_new else postgresql.is_old)(host)
