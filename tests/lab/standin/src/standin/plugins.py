"""Plugins: the file store holds the truth, ``plugins/`` is unpacked anew at every start."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from typing import TYPE_CHECKING

from . import paths

if TYPE_CHECKING:
    from .app import App

MARKER = ".filestore"


class BundleError(Exception):
    """A bundle that is no plugin."""


def read_manifest(bundle: str | io.BytesIO) -> dict:
    """Return ``plugin.json`` of a bundle (a path or its bytes). Raises BundleError."""
    try:
        source = {"name": bundle} if isinstance(bundle, str) else {"fileobj": bundle}
        with tarfile.open(mode="r:gz", **source) as archive:
            for member in archive:
                if member.isfile() and os.path.basename(member.name) == "plugin.json" and member.name.count("/") <= 1:
                    manifest = json.load(archive.extractfile(member))
                    if manifest.get("id"):
                        return manifest
        raise BundleError("Unable to find manifest for extracted plugin")
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise BundleError(f"Unable to extract the plugin: {error}") from None


def is_plain(member: tarfile.TarInfo) -> bool:
    """True for a file or directory that stays where it is unpacked; links and the rest are left out."""
    parts = member.name.split("/")
    return (member.isfile() or member.isdir()) and ".." not in parts and not member.name.startswith("/")


class Plugins:
    """available: why all plugin calls answer 501, or nothing when they work."""

    def __init__(self, app: App):
        self.app = app
        self.manifests: dict[str, dict] = {}
        self.processes: dict[str, subprocess.Popen | None] = {}
        self.unavailable = "Plugins have been disabled. Please check your logs for details."

    @property
    def directory(self) -> str:
        return os.path.abspath(self.app.config["PluginSettings"]["Directory"])

    @property
    def client_directory(self) -> str:
        return os.path.abspath(self.app.config["PluginSettings"]["ClientDirectory"])

    @property
    def store(self) -> str:
        return os.path.join(self.app.data_directory, "plugins")

    def enabled(self, plugin_id: str) -> bool:
        return bool(self.app.config["PluginSettings"]["PluginStates"].get(plugin_id, {}).get("Enable"))

    def start(self) -> None:
        """Unpack and activate. Nothing here ever stops the server."""
        if not self.app.config["PluginSettings"]["Enable"]:
            return
        try:
            for directory in (self.directory, self.client_directory):
                if not os.path.isdir(directory):
                    os.mkdir(directory, 0o744)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.app.log.error("Failed to start up plugins", error=f"mkdir {error.filename}: {reason}")
            return
        self.unavailable = ""
        self._forget_unpacked()
        for bundle in self._bundles():
            self._install(bundle)
        for plugin_id in sorted(self.manifests):
            if self.enabled(plugin_id):
                self.activate(plugin_id)

    def _forget_unpacked(self) -> None:
        """Remove managed copies; unmanaged ones stay on older servers and go on newer ones."""
        for plugin_id in sorted(os.listdir(self.directory)):
            unpacked = os.path.join(self.directory, plugin_id)
            if not os.path.isdir(unpacked):
                continue
            managed = os.path.exists(os.path.join(unpacked, MARKER))
            if managed or self.app.build.at_least(10, 11):
                shutil.rmtree(unpacked, ignore_errors=True)
                shutil.rmtree(os.path.join(self.client_directory, plugin_id), ignore_errors=True)
                if os.path.exists(unpacked) and self.app.build.at_least(10, 11):
                    text = "Failed to remove local installation of managed plugin before sync"
                    self.app.log.error(text, plugin_id=plugin_id)
                continue
            self.app.log.warn("Skipping sync for unmanaged plugin", plugin_id=plugin_id)
            try:
                with open(os.path.join(unpacked, "plugin.json"), encoding="utf-8") as file:
                    self.manifests[plugin_id] = json.load(file)
            except (OSError, ValueError):
                continue

    def _bundles(self) -> list[str]:
        """The file store's bundles, then the prepackaged ones that are switched on and not in the store."""
        found = [os.path.join(self.store, name) for name in self._names(self.store)]
        have = {os.path.basename(path).removesuffix(".tar.gz") for path in found}
        packaged = paths.find_directory("prepackaged_plugins")
        if packaged and self.app.config["PluginSettings"]["AutomaticPrepackagedPlugins"]:
            for name in self._names(packaged):
                path = os.path.join(packaged, name)
                try:
                    plugin_id = read_manifest(path)["id"]
                except BundleError as error:
                    self.app.log.error("Failed to read prepackaged plugin", error=str(error), path=path)
                    continue
                if plugin_id not in have and self.enabled(plugin_id):
                    found.append(path)
        return found

    @staticmethod
    def _names(directory: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(directory) if name.endswith(".tar.gz"))
        except OSError:
            return []

    def _install(self, bundle: str) -> bool:
        """Unpack *bundle* through the temporary directory. Says in the log why it could not."""
        try:
            manifest = read_manifest(bundle)
            with tempfile.TemporaryDirectory(prefix="plugintmp", dir=os.environ.get("TMPDIR") or "/tmp") as scratch:
                self._unpack(bundle, manifest, scratch)
        except (BundleError, OSError) as error:
            self.app.log.error(
                "Failed to sync plugin from file store", bundle=os.path.basename(bundle), error=str(error).lower()
            )
            return False
        self.manifests[manifest["id"]] = manifest
        return True

    def _unpack(self, bundle: str, manifest: dict, scratch: str) -> None:
        with tarfile.open(bundle, "r:gz") as archive:
            archive.extractall(scratch, [member for member in archive if is_plain(member)])
        root = scratch
        if not os.path.exists(os.path.join(root, "plugin.json")):
            root = os.path.join(scratch, next(iter(sorted(os.listdir(scratch)))))
        target = os.path.join(self.directory, manifest["id"])
        shutil.rmtree(target, ignore_errors=True)
        try:
            shutil.copytree(root, target)
        except (OSError, shutil.Error):
            raise OSError("Unable to move plugin from temporary directory to final destination.") from None
        if not self.app.build.at_least(10, 11):
            with open(os.path.join(target, MARKER), "w", encoding="utf-8"):
                pass
        web = os.path.join(target, "webapp")
        if os.path.isdir(web):
            client = os.path.join(self.client_directory, manifest["id"])
            shutil.rmtree(client, ignore_errors=True)
            shutil.copytree(web, client)

    def activate(self, plugin_id: str) -> None:
        """Start the plugin's server part, if it has one. A failure leaves it inactive, with a line in the log."""
        if plugin_id in self.processes:
            return
        server = self.manifests[plugin_id].get("server") or {}
        program = (server.get("executables") or {}).get("linux-amd64") or server.get("executable") or ""
        process = None
        if program:
            path = os.path.join(self.directory, plugin_id, program)
            try:
                process = subprocess.Popen(
                    [path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            except OSError as error:
                reason = f"fork/exec {path}: {(error.strerror or str(error)).lower()}"
                self.app.log.error("Unable to activate plugin", plugin_id=plugin_id, error=reason)
                return
        self.processes[plugin_id] = process

    def deactivate(self, plugin_id: str) -> None:
        process = self.processes.pop(plugin_id, None)
        if process and process.poll() is None:
            process.kill()
            process.wait()

    def is_active(self, plugin_id: str) -> bool:
        process = self.processes.get(plugin_id)
        return plugin_id in self.processes and (process is None or process.poll() is None)

    def stop(self) -> None:
        for plugin_id in list(self.processes):
            self.deactivate(plugin_id)

    def lists(self) -> dict[str, list[dict]]:
        """Manifests by state, as the API shows them."""
        shown: dict[str, list[dict]] = {"active": [], "inactive": []}
        for plugin_id in sorted(self.manifests):
            shown["active" if self.is_active(plugin_id) else "inactive"].append(self.manifests[plugin_id])
        return shown
