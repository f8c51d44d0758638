"""Files: in on the wire, on disk in the file store, a row in the database, out again."""

from __future__ import annotations

import datetime
import mimetypes
import os
from collections.abc import AsyncIterator

from aiohttp import web

from . import ids, memberships
from .call import Call, reply
from .errors import ApiError, forbidden
from .routes import route


def file_object(row: dict) -> dict:
    return {
        "id": row["id"],
        "user_id": row["creatorid"],
        "post_id": row["postid"],
        "channel_id": row["channelid"],
        "create_at": row["createat"],
        "update_at": row["updateat"],
        "delete_at": row["deleteat"],
        "name": row["name"],
        "extension": row["extension"],
        "size": row["size"],
        "mime_type": row["mimetype"],
    }


def _too_large(call: Call, name: str) -> ApiError:
    most = call.app.config["FileSettings"]["MaxFileSize"]
    return ApiError(
        413,
        "api.file.upload_file.too_large_detailed.app_error",
        f"Unable to upload file {name}. File is bigger than {most} bytes.",
    )


def _safe_name(name: str) -> str:
    name = os.path.basename(name.replace("\\", "/"))
    if name in ("", ".", "..") or len(name) > 255:
        raise ApiError(400, "api.file.upload_file.incorrect_filename.app_error", "Invalid file name.")
    return name


async def _store(call: Call, channel_id: str, name: str, chunks: AsyncIterator[bytes]) -> dict:
    """Write the bytes as they come, then the row: a cut upload leaves a partial file and no row."""
    app, now = call.app, ids.now()
    file_id = ids.new()
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    relative = f"{day}/teams/noteam/channels/{channel_id}/users/{call.user_id}/{file_id}/{name}"
    target = os.path.join(app.data_directory, relative)
    most, size = app.config["FileSettings"]["MaxFileSize"], 0
    try:
        os.makedirs(os.path.dirname(target), 0o750, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    break
                file.write(chunk)
    except ConnectionError:
        raise
    except OSError as error:
        raise ApiError(500, "api.file.write_file.app_error", "Unable to write the file.", str(error)) from None
    if size > most:
        os.remove(target)
        raise _too_large(call, name)
    row = {
        "id": file_id, "creatorid": call.user_id, "postid": "", "channelid": channel_id, "createat": now,
        "updateat": now, "deleteat": 0, "path": relative, "name": name, "extension": os.path.splitext(name)[1][1:],
        "size": size, "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
    }  # fmt: skip
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    await app.database.run(f"INSERT INTO fileinfo ({names}) VALUES ({marks})", list(row.values()))
    return row


async def _check_channel(call: Call, channel_id: str) -> None:
    await memberships.channel(call.app, channel_id)
    if not await memberships.is_in_channel(call.app, channel_id, call.user_id):
        raise forbidden()


async def _field_chunks(part) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(65536):
        yield chunk


async def _multipart(call: Call, channel_id: str) -> list[dict]:
    rows = []
    await call.expect_body()
    async for part in await call.request.multipart():
        if part.name == "channel_id":
            channel_id = (await part.read()).decode("utf-8", "replace")
        elif part.filename:
            await _check_channel(call, channel_id)
            rows.append(await _store(call, channel_id, _safe_name(part.filename), _field_chunks(part)))
    return rows


@route("POST", "files", local=False)
async def upload(call: Call) -> web.Response:
    if not call.app.config["FileSettings"]["EnableFileAttachments"]:
        raise ApiError(
            501, "api.file.attachments.disabled.app_error", "File attachments have been disabled on this server."
        )
    channel_id, most = call.query("channel_id"), call.app.config["FileSettings"]["MaxFileSize"]
    if call.request.content_type == "multipart/form-data":
        # A form is a little larger than its file: leave room for the fields around it.
        if (call.request.content_length or 0) > most + 1024 * 1024:
            raise _too_large(call, "")
        rows = await _multipart(call, channel_id)
    else:
        name = _safe_name(call.query("filename"))
        if (call.request.content_length or 0) > most:
            raise _too_large(call, name)
        await _check_channel(call, channel_id)
        await call.expect_body()
        rows = [await _store(call, channel_id, name, call.request.content.iter_any())]
    return reply({"file_infos": [file_object(row) for row in rows], "client_ids": []}, 201)


async def _get(call: Call, file_id: str) -> dict:
    row = await call.app.database.row("SELECT * FROM fileinfo WHERE id = %s AND deleteat = 0", (file_id,))
    if row is None:
        raise ApiError(404, "app.file_info.get.app_error", "Unable to get the file info.")
    if row["creatorid"] != call.user_id and not await memberships.is_in_channel(
        call.app, row["channelid"], call.user_id
    ):
        raise forbidden()
    return row


@route("GET", "files/{file_id:id}/info", local=False)
async def info(call: Call, file_id: str) -> web.Response:
    return reply(file_object(await _get(call, file_id)))


@route("GET", "files/{file_id:id}", local=False)
async def download(call: Call, file_id: str) -> web.StreamResponse:
    row = await _get(call, file_id)
    path = os.path.join(call.app.data_directory, row["path"])
    if not os.path.isfile(path):
        raise ApiError(404, "api.file.read_file.app_error", "Unable to read the file.")
    headers = {
        "Content-Type": row["mimetype"],
        "Content-Disposition": f'attachment;filename="{row["name"]}"',
        "Cache-Control": "private, no-cache",
        "X-Version-Id": call.app.version_id,
        "X-Request-Id": call.request_id,
    }
    return web.FileResponse(path, headers=headers)
