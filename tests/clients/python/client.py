"""A user of the site by mattermostautodriver (../talking.py): prints what it did, posts each line that it reads, prints what the websocket brings."""

import asyncio
import json
import os
import secrets
import socket
import sys

from mattermostautodriver import AsyncTypedDriver

site = json.loads(os.environ["SITE"])
names = {name: site["address"] for name in (site["name"], site["name"].encode())}
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: lookup(names.get(host, host), *more, **named)


def say(line):
    print(line, flush=True)


async def event(text):
    message = json.loads(text)
    if message.get("event") == "hello":
        say("hello")
    elif message.get("event") == "posted":
        say(f"event {json.loads(message['data']['post'])['message']}")


async def main():
    driver = AsyncTypedDriver(
        {"url": site["name"], "port": 443, "login_id": site["login"], "password": site["password"], "keepalive": True}
        | {"keepalive_delay": 0.5}
    )
    user = await driver.login()
    say(f"signed in {user['username']}")
    name = f"python-{secrets.token_hex(4)}"
    team = await driver.teams.create_team(name, name, "O")
    channel = await driver.channels.create_channel(team["id"], name, name, "P")

    data = secrets.token_bytes(100_000)
    uploaded = await driver.files.upload_file(files=("random.bin", data), channel_id=channel["id"])
    file_ids = [uploaded["file_infos"][0]["id"]]
    post = await driver.posts.create_post(channel["id"], "with a file", file_ids=file_ids)
    read = await driver.posts.get_post(post["id"])
    answer = await driver.files.get_file(read["file_ids"][0])
    say("file is the same" if answer.content == data else f"file differs: HTTP {answer.status_code}")

    listening = asyncio.create_task(driver.init_websocket(event))
    while line := await asyncio.to_thread(sys.stdin.readline):
        await driver.posts.create_post(channel["id"], line.strip())
        say(f"posted {line.strip()}")
    listening.cancel()


asyncio.run(main())
