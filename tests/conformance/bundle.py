"""A plugin that has only a client part: the smallest that a server takes."""

from __future__ import annotations

import io
import json
import tarfile


def bundle(plugin_id, version="1.0.0"):
    """Return the bytes of ``ID.tar.gz``."""
    manifest = {
        "id": plugin_id,
        "name": plugin_id,
        "version": version,
        "min_server_version": "7.0.0",
        "webapp": {"bundle_path": "webapp/dist/main.js"},
    }
    files = {"plugin.json": json.dumps(manifest).encode(), "webapp/dist/main.js": b"window.nothing = 1;\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{plugin_id}/{name}")
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()
