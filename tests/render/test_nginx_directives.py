"""No host's nginx is given a directive that its version does not know: not every version is at hand to be asked."""

import re

import mattermost_nginx_config

from tests.render import compiler

STATES = ("nginx-base", "nginx-ssl", "nginx-non-ssl")
# nginx's own documentation; `block directive`, where not in every block that has it
SINCE = {"http2": (1, 25, 1), "ssl_reject_handshake": (1, 19, 4), "upstream keepalive_timeout": (1, 15, 3)}
# in 1.14, the oldest that a platform has, and before
OLD = set(
    """
    access_log add_header alias allow auth_basic client_body_buffer_size client_max_body_size default_type error_log
    error_page geo if include internal keepalive limit_req limit_req_status limit_req_zone listen location log_format map proxy_buffer_size proxy_buffering proxy_buffers
    proxy_connect_timeout proxy_hide_header proxy_http_version proxy_pass proxy_read_timeout proxy_request_buffering
    proxy_send_timeout proxy_set_header recursive_error_pages return root server server_name server_tokens ssl_certificate ssl_certificate_key
    ssl_ciphers ssl_ecdh_curve ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_tickets
    ssl_session_timeout try_files upstream
    """.split()
)


def directives(text: str):
    """Yield each directive of a configuration with its block; a map's and a geo's lines are values."""
    blocks = []
    for line in (line.split(" #")[0].strip() for line in text.splitlines()):
        word = re.match(r"[a-z0-9_]*", line).group()
        if line == "}":
            blocks.pop()
        elif word and (not blocks or blocks[-1] not in ("map", "geo")):
            yield blocks[-1] if blocks else "", word
        if line.endswith("{"):
            blocks.append(word)


def test_every_directive_is_one_that_this_nginx_knows(platform):
    host = compiler.host(platform)
    version = tuple(map(int, host.settings()["platform"]["nginx"]["version"].split(".")))
    found = set()
    for state in STATES:
        for call in host.low(f"mattermost.deploy.{state}"):
            if (call["state"], call["fun"]) != ("mattermost_nginx", "configured"):
                continue
            for entry in (entry for entry in call["files"] if entry["path"].endswith(".conf")):
                source = (compiler.ROOT / "salt" / entry["source"].removeprefix("salt://")).read_text()
                text = mattermost_nginx_config.render(source, {**call["context"], "ipv6": True}).decode()
                found.update(directives(text))
    assert {"listen", "proxy_pass", "ssl_certificate"} <= {word for _, word in found}
    newer = {(block, word): SINCE.get(f"{block} {word}", SINCE.get(word)) for block, word in found}
    assert [each for each, since in newer.items() if since is None and each[1] not in OLD] == [], "since which version?"
    assert [each for each, since in newer.items() if since and since > version] == []
