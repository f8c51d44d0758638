"""Row 17: a post over the local socket, and what the host program makes of it: the database and the server agree by its hash."""

import shlex
import subprocess

import pytest

from tests import programs

TEXTS = {
    "plain": "Hello.",
    "markup": '<b>&amp;</b> \\ / \'quoted\' "id":"x", {"message":"y"}]}',
    "lines": "one\ntwo\r\n\tthree ",
    "languages": "Grüße 你好 \U0001f600 \x7f",
    "long": '<"\\&>' * 3276,
}


@pytest.fixture
def asked(chat):
    """Run lines with the functions of mattermost-switch; return what they print."""
    cluster, site = chat.site.cluster, chat.site

    def run(lines):
        values = {
            "psql": cluster.programs / "psql",
            "socket_dir": cluster.socket,
            "database_port": cluster.port,
            "role": "postgres",
        }
        values |= {"database": site.database, "socket": site.socket, "scratch": site.aside, "local_mode": "yes"}
        assigned = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())
        functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
        text = functions + assigned + 'runuser() { shift 3; "$@"; }\n' + lines
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def said(chat, message):
    body = {"channel_id": chat.square["id"], "message": message, "props": {"id": "evil", "message": "other"}}
    answer = chat.as_member.post("posts", body)
    assert answer.status == 201, answer.text
    return answer.json


@pytest.mark.parametrize("text", TEXTS)
def test_the_newest_message_has_one_hash_in_the_database_and_on_the_socket(chat, asked, text):
    post = said(chat, TEXTS[text])
    chosen, code, shown = asked(
        'newest_post "$database"; ask_locally "posts/' + post["id"] + '"; say "$code"; shown_post'
    )
    assert (code, chosen.split()[0]) == ("200", post["id"])
    assert shown == chosen


def test_another_text_has_another_hash(chat, asked):
    post = said(chat, "one")
    (before,) = asked('newest_post "$database"')
    chat.site.sql(f"UPDATE posts SET message = 'three' WHERE id = '{post['id']}'")
    (after,) = asked('newest_post "$database"')
    assert before.split()[0] == after.split()[0] == post["id"]
    assert before != after


def test_what_servers_show_in_more_than_one_way_is_not_chosen(chat, asked):
    kept = said(chat, "kept")
    said(chat, "![picture](http://127.0.0.1:9/x.png)")
    said(chat, "bell \x07 and form feed \x0c")
    gone = said(chat, "gone")
    assert chat.as_member.delete(f"posts/{gone['id']}").status == 200
    assert asked('newest_post "$database"')[0].split()[0] == kept["id"]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("posts/" + "a" * 26, 404, "app.post.get.app_error"),
        ("posts/xx", 400, "api.context.invalid_url_param.app_error"),
    ],
)
def test_a_post_that_is_not_there_is_told_by_name(chat, path, status, error):
    answer = chat.local.get(path)
    assert (answer.status, answer.id) == (status, error)


def test_a_deleted_post_is_shown_only_when_asked_for(chat):
    post = said(chat, "soon gone")
    assert chat.as_member.delete(f"posts/{post['id']}").status == 200
    assert chat.local.get(f"posts/{post['id']}").status == 404
    assert chat.local.get(f"posts/{post['id']}?include_deleted=true").json["delete_at"] > 0


def test_a_post_has_the_fields_of_the_real_one_in_their_order(chat):
    shown = chat.local.get(f"posts/{said(chat, 'fields')['id']}").json
    names = (
        "id create_at update_at edit_at delete_at is_pinned user_id channel_id root_id original_id message type props hashtags file_ids"
        " pending_post_id remote_id reply_count last_reply_at participants metadata"
    )
    assert list(shown) == names.split()


def test_nobody_posts_over_the_socket(chat):
    assert chat.local.post("posts", {"channel_id": chat.square["id"], "message": "x"}).status == 404
