"""A power cut after each change of a move, on either host: the source was left or not, and on the target one side is whole."""

import pytest

from tests.attack.cutting import Cutter, each_is_whole, empty
from tests.unit import test_move_hold as hold

pytestmark = pytest.mark.soak("power-cut-move")
ID = "20260101000000"
# databases are files that say whose they are
RUNUSER = r"""#!/bin/sh
told=$(cat)
named() { printf '%s\n' "$told" | sed -n "s/.*$1.*/\1/p" | head -n 1; }
cd "$HOST/databases" || exit
case $told in
    'SELECT 1 FROM pg_database'*) found=$(named "= '\([^']*\)'"); [ ! -e "$found" ] || echo 1 ;;
    ALTER*) from=$(named 'DATABASE "\([^"]*\)" RENAME') to=$(named 'TO "\([^"]*\)"'); [ ! -e "$to" ] && /bin/mv "$from" "$to" ;;
    DROP*) rm -f "$(named 'EXISTS "\([^"]*\)"')" "$(named 'DATABASE "\([^"]*\)"$')" ;;
    *'count(*)'*) echo "$POSTS" ;;
esac
"""
PARTS = ("data", "plugins", "client-plugins")


class Target(hold.Source):
    """A host that has all that a move brings it, but not in its place yet, and a server of its own with POSTS messages."""

    def __init__(self, folder, posts="0"):
        places = {name: folder / name for name in ("state", "settings", "install")}
        places |= {"site_closed": folder / "nginx/closed", "certificates": "", "database": "mm", "new": "mm_moving"}
        super().__init__(
            folder, id=ID, user="root", pg_kind="local", bin_dir="/x", database_port=1, socket_dir="/x", **places
        )
        for part in PARTS:
            self.write(f"state/{part}/side", "previous")
            self.write(f"state/.move/{part}/side", "of the source")
        self.write("state/config/config.json", "previous")
        self.write("databases/mm", "previous")
        self.write("databases/mm_moving", "of the source")
        self.write("settings/environment", "")
        self.write("bin/runuser", RUNUSER)
        (folder / "bin/runuser").chmod(0o755)
        self.environment |= {"HOST": str(folder), "POSTS": posts}
        assert self.do("target_begun").returncode == 0

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def command(self, words):
        (self.directory / "command").write_text(f"{self.text}\n{words}\n")
        return ["sh", str(self.directory / "command")], self.environment

    def side(self):
        """Of whom all that the server has is."""
        places = ["databases/mm", "state/config/config.json", *(f"state/{part}/side" for part in PARTS)]
        (side,) = {(self.directory / place).read_text().strip() for place in places}
        return side

    def boot(self):
        empty(self.own)
        (self.directory / "closed").unlink(missing_ok=True)

    def is_closed(self):
        return (self.directory / "nginx/closed").exists()


PLACE = "echo 'of the source' | place"
PREPARED = "printf 'SELECT\\n' >/dev/null; unpacker() { id -un; };"


def given_up(target):
    """After a cut before the source was left: the next try has what was there in its place, and the copy where it was."""
    target.boot()
    assert target.is_closed(), "the site opened over something half"
    done = target.do(f"{PREPARED} target_closed")
    assert done.returncode == 0, done.stderr
    assert not (target.work / "move-placed").exists()
    assert not (target.directory / f"state/replaced-{ID}").exists()
    assert [path.name for path in (target.directory / "databases").iterdir()] in (
        ["mm"],
        ["mm_moving", "mm"],
        ["mm", "mm_moving"],
    )
    return target.side()


@pytest.mark.parametrize("disk", ["ext4", "xfs"], indirect=True)
@pytest.mark.parametrize("ends", [PLACE, f"{PLACE} && unplace"], ids=["place", "unplace"])
def test_the_target_before_the_source_is_left(disk, tmp_path, ends):
    cutter = Cutter(disk, tmp_path / "cut", ["databases"])
    found = cutter.cuts(Target, lambda target: target.command(f"{PREPARED} {ends}"))
    assert set(each_is_whole(found, given_up)) == {"previous"}


@pytest.mark.parametrize("disk", ["ext4", "xfs"], indirect=True)
@pytest.mark.parametrize("posts", ["0", "5"])
def test_the_target_once_the_source_is_left(disk, tmp_path, posts):
    """Whether the site is open or the next run opens it, all of it is the source's; what held messages stays aside."""

    def placed(folder):
        target = Target(folder, posts)
        done = target.do(f"{PREPARED} {PLACE}")
        assert done.returncode == 0, done.stderr
        return target

    def opened(target):
        target.boot()
        was = "closed" if target.is_closed() else "open"
        if (target.work / "move-placed").exists():
            done = target.do("open_site")
            assert done.returncode == 0, done.stderr
        assert not target.is_closed(), "nobody opens it any more"
        assert (target.work / "received").exists(), "the next deploy may open its sign-up"
        assert target.side() == "of the source"
        if posts != "0":
            assert (target.directory / f"state/replaced-{ID}/data/side").read_text() == "previous\n"
            assert (target.directory / f"databases/mm_replaced_{ID}").read_text() == "previous\n"
        return was

    cutter = Cutter(disk, tmp_path / "cut", ["databases"])
    seen = each_is_whole(
        cutter.cuts(
            placed, lambda target: target.command("open_site; echo opened >>$own/last; mv $own/last $own/said")
        ),
        opened,
    )
    assert set(seen) == {"open", "closed"}


@pytest.mark.parametrize("disk", ["ext4", "xfs"], indirect=True)
def test_the_source(disk, tmp_path):
    """It starts again at a boot, or was left with all that takes it back. What holds it is the unit's own program."""

    def made(folder):
        source = hold.Source(folder)
        assert source.do("hold_begin 60").returncode == 0
        assert source.do("give_back").returncode == 0
        (source.own / "left").unlink(missing_ok=True)
        for name in ("give-back", "committed"):
            (source.own / name).unlink(missing_ok=True)
        for name in ("lease", "commit"):
            (source.own / name).touch()
        return source

    def decided(source):
        drop_in = source.directory / "etc/systemd/system/mattermost.service.d/moved.conf"
        left = source.work / "moved"
        if not left.exists():
            return "serves"
        assert "to=new.example.com\n" in left.read_text()
        assert drop_in.read_text().endswith(f"ConditionPathExists=!{left}\n")
        assert "systemctl enable --now mattermost.service" in (source.work / "take-back").read_text()
        return "left"

    cutter = Cutter(disk, tmp_path / "cut")
    seen = each_is_whole(
        cutter.cuts(made, lambda source: (["sh", str(source.own / "hold"), "hold"], source.environment)), decided
    )
    assert set(seen) == {"serves", "left"}
