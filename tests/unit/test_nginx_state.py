"""The state of nginx's configuration says what it did, and nothing that it did not."""

import pytest

from tests.states import load_state


@pytest.mark.parametrize(
    ("master", "files", "said"),
    [
        (100, 2, "2 files of nginx's base configuration changed; nginx was reloaded."),
        (0, 1, "1 file of nginx's base configuration changed; nginx is not running yet."),
    ],
)
def test_a_reload_is_said_only_when_there_was_one(tmp_path, monkeypatch, master, files, said):
    state = load_state("mattermost_nginx", modules={"cp.get_file_str": lambda source: "new\n"})
    monkeypatch.setattr(state.config, "proof", lambda *_: "")
    for name, value in {"master": master, "reload": "", "occupant": "", "speaks_ipv6": False}.items():
        monkeypatch.setattr(state.process, name, lambda *_, value=value: value)
    wanted = [{"path": str(tmp_path / f"{number}.conf"), "source": "salt://x"} for number in range(files)]
    ret = state.configured("base", str(tmp_path), wanted, {})
    assert (ret["result"], ret["comment"]) == (True, said)
