"""Row 8: what the network sees."""

import re

import pytest

from tests.conformance.conftest import PASSWORD, a_square, first_admin

VERSION_ID = r"{version}\..+\.[0-9a-f]{{{digits}}}\.false"


def test_ping(chat):
    answer = chat.http.get("system/ping")
    assert answer.status == 200
    assert answer.json["status"] == "OK"
    assert {"AndroidLatestVersion", "AndroidMinVersion", "IosLatestVersion", "IosMinVersion"} <= set(answer.json)
    assert "database_status" not in answer.json


def test_head_of_ping_is_not_found(chat):
    assert chat.http.api("HEAD", "system/ping").status == 404


def test_server_status(chat):
    for wire in (chat.http, chat.local):
        answer = wire.get("system/ping?get_server_status=true")
        assert answer.status == 200
        assert (answer.json["database_status"], answer.json["filestore_status"], answer.json["status"]) == ("OK",) * 3


def test_server_status_is_in_headers_too(chat):
    headers = chat.http.get("system/ping?get_server_status=true").headers
    assert (headers["Database_status"], headers["Filestore_status"], headers["Status"]) == ("OK",) * 3


@pytest.mark.parametrize("path", ["/", "/login", "/any/where?x=1", "/api/v4/system/ping", "/api/v4/users/me"])
def test_the_version_is_in_every_answer(chat, rules, path):
    answer = chat.http.call("GET", path)
    wanted = VERSION_ID.format(version=re.escape(rules.version), digits=64 if rules.at_least(11, 0) else 32)
    assert re.fullmatch(wanted, answer.headers["X-Version-Id"])


@pytest.mark.parametrize("path", ["/static/nothing.js", "/api/v4/no/such/route"])
def test_some_answers_have_no_version(chat, path):
    answer = chat.http.call("GET", path)
    assert answer.status == 404
    assert "X-Version-Id" not in answer.headers


def test_an_unknown_route_is_named_as_such(chat):
    answer = chat.http.get("no/such/route")
    assert (answer.status, answer.id) == (404, "api.context.404.app_error")
    assert {"id", "message", "detailed_error", "status_code"} <= set(answer.json)


def test_the_hash_changes_with_what_clients_see(site, rules):
    """Since 11.0 with nothing else; before, with every setting."""
    server = site.up()

    def version_id(change):
        server.local.put("config/patch", {"TeamSettings": change})
        return server.http.get("system/ping").headers["X-Version-Id"]

    before = version_id({})
    unseen, seen = version_id({"MaxUsersPerTeam": 51}), version_id({"SiteName": "Changed"})
    assert (unseen == before) is rules.at_least(11, 0)
    assert seen != unseen
    assert before.rsplit(".", 2)[0] == seen.rsplit(".", 2)[0]


@pytest.mark.parametrize("path", ["/", "/login", "/team/channels/town-square"])
def test_any_path_is_the_page(chat, release, path):
    answer = chat.http.call("GET", path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache, max-age=31556926, public"
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.body == chat.http.call("GET", "/").body


def test_static_files_come_from_the_web_client(chat, release):
    answer = chat.http.call("GET", "/static/manifest.json")
    assert answer.status == 200
    assert answer.body == (release.root / "client/manifest.json").read_bytes()


def test_client_configuration(chat, rules):
    answer = chat.http.get("config/client?format=old")
    assert answer.status == 200
    assert all(isinstance(value, str) for value in answer.json.values())
    assert answer.json["Version"] == rules.version
    assert answer.json["BuildEnterpriseReady"] == "false"
    assert answer.json["NoAccounts"] == "false"
    assert (answer.json["EnableOpenServer"], answer.json["EnableUserCreation"]) == ("false", "true")
    assert "BuildNumber" in answer.json


def test_client_configuration_needed_its_old_format_before_10_12(chat, rules):
    assert (chat.http.get("config/client").status == 200) is rules.at_least(10, 12)


def test_a_login_gives_a_token(chat):
    assert chat.as_admin.get("users/me").json["username"] == "admin"
    assert chat.http.get("users/me").status == 401


@pytest.mark.parametrize(("login_id", "password"), [("admin", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_login_is_refused(chat, login_id, password):
    answer = chat.http.post("users/login", {"login_id": login_id, "password": password})
    assert answer.status == 401
    assert "Enter a valid email or username and/or password" in answer.text


def test_only_an_admin_sees_the_configuration(chat):
    assert chat.as_member.get("config").status == 403
    assert chat.as_admin.get("config").json["SqlSettings"]["DataSource"] == "*" * 32


def test_plugin_uploads_cannot_be_switched_on_over_the_network(chat):
    answer = chat.as_admin.put("config/patch", {"PluginSettings": {"EnableUploads": True}})
    assert answer.status == 403
    assert "not_allowed_security" in answer.id


def test_posts(chat):
    body = {"channel_id": chat.square["id"], "message": "hello"}
    made = chat.as_member.post("posts", body)
    assert made.status == 201
    assert chat.as_member.get(f"posts/{made.json['id']}").json["message"] == "hello"
    listed = chat.as_admin.get(f"channels/{chat.square['id']}/posts").json
    assert listed["posts"][made.json["id"]]["message"] == "hello"


def test_answers_are_json_and_name_no_charset(chat):
    """Mattermost's own client parses what is exactly that."""
    for path in ("/api/v4/system/ping", "/api/v4/config/client?format=old", "/api/v4/users/me"):
        assert chat.http.call("GET", path).headers["Content-Type"] == "application/json"


def test_a_message_has_a_longest_length(chat):
    def status(length):
        return chat.as_member.post("posts", {"channel_id": chat.square["id"], "message": "x" * length}).status

    assert (status(16383), status(16384)) == (201, 400)


def test_a_file_comes_back_as_it_went(chat):
    data = bytes(range(256)) * 1000
    sent = chat.as_member.api("POST", f"files?channel_id={chat.square['id']}&filename=all.bin", data)
    assert sent.status == 201
    info = sent.json["file_infos"][0]
    post = chat.as_member.post("posts", {"channel_id": chat.square["id"], "message": "", "file_ids": [info["id"]]})
    assert post.status == 201
    assert chat.as_admin.get(f"files/{info['id']}").body == data
    places = [path for path in chat.site.files("data") if path.endswith(f"{info['id']}/all.bin")]
    assert len(places) == 1
    assert f"/teams/noteam/channels/{chat.square['id']}/users/{chat.member['id']}/" in "/" + places[0]


def test_a_file_may_come_in_a_form(chat):
    form = (
        b'--b\r\nContent-Disposition: form-data; name="channel_id"\r\n\r\n' + chat.square["id"].encode() + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\ntext\r\n--b--\r\n"
    )
    sent = chat.as_member.api("POST", "files", form, {"Content-Type": "multipart/form-data; boundary=b"})
    assert sent.status == 201
    assert chat.as_member.get(f"files/{sent.json['file_infos'][0]['id']}").body == b"text"


def test_a_file_of_exactly_the_largest_size_passes_and_one_more_byte_does_not(site):
    site.set(FileSettings__MaxFileSize=100000)
    server = site.up()
    admin = first_admin(server)
    square = a_square(admin)
    path = f"files?channel_id={square}&filename=a.bin"
    assert admin.api("POST", path, b"x" * 100000).status == 201
    refused = admin.api("POST", path, b"x" * 100001)
    assert (refused.status, refused.id) == (413, "api.file.upload_file.too_large_detailed.app_error")


def test_a_dead_database_hides_behind_a_healthy_ping(site):
    server = site.up()
    admin = first_admin(server)
    site.cluster.stop()
    try:
        assert server.http.get("system/ping").json["status"] == "OK"
        assert server.http.call("GET", "/").status == 200
        status = server.http.get("system/ping?get_server_status=true")
        assert status.status == 500
        assert (status.json["database_status"], status.json["status"]) == ("UNHEALTHY", "UNHEALTHY")
        assert status.json["filestore_status"] == "OK"
        assert server.http.post("users/login", {"login_id": "admin", "password": PASSWORD}).status == 401
        assert admin.get("users/me").status == 500
        assert server.process.poll() is None
    finally:
        site.cluster.start()
    assert admin.get("users/me").status == 200
    assert server.http.get("system/ping?get_server_status=true").status == 200


def test_the_first_request_after_a_restart_of_the_database_succeeds(site):
    server = site.up()
    admin = first_admin(server)
    site.cluster.stop()
    site.cluster.start()
    assert admin.get("users/me").status == 200


def test_an_unwritable_file_store_is_unhealthy_until_it_is_not(site):
    server = site.up()
    (site.home / "data").chmod(0o555)
    answer = server.http.get("system/ping?get_server_status=true")
    assert (answer.status, answer.json["filestore_status"]) == (500, "UNHEALTHY")
    (site.home / "data").chmod(0o755)
    assert server.http.get("system/ping?get_server_status=true").status == 200


def test_the_upgrade_to_enterprise_is_refused(chat):
    assert chat.as_admin.post("upgrade_to_enterprise").status in (403, 501)
