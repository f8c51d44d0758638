"""A host's folders below a temporary one, with a release's config.json, and the config state on them."""

import json
import os
import pwd

from tests.fake_server import FakeServer
from tests.states import load_state

USER = pwd.getpwuid(os.getuid()).pw_name
RELEASE = {
    "ServiceSettings": {
        "SiteURL": "", "ListenAddress": ":8065", "TrustedProxyIPHeader": [], "EnableLocalMode": False,
        "LocalModeSocketLocation": "", "EnableSecurityFixAlert": True, "SessionLengthWebInHours": 720,
    },
    "TeamSettings": {"SiteName": "Mattermost", "EnableUserCreation": True, "ExperimentalViewArchivedChannels": True},
    "FileSettings": {"Directory": "./data/", "PublicLinkSalt": ""},
    "EmailSettings": {
        "SendEmailNotifications": False, "EnablePreviewModeBanner": True, "SendPushNotifications": True,
        "PushNotificationServer": "", "PushNotificationContents": "full",
    },
    "SqlSettings": {"DriverName": "postgres", "MaxOpenConns": 100, "MaxIdleConns": 50},
    "LogSettings": {"FileLocation": "", "EnableDiagnostics": True, "EnableSentry": True},
    "PluginSettings": {"Directory": "./plugins", "ClientDirectory": "./client/plugins", "Plugins": {}},
}  # fmt: skip


class Host:
    """A host's folders below tmp_path, and the state on them."""

    def __init__(self, root):
        self.paths = {name: str(root / name) for name in ("install", "state", "settings", "work", "run")}
        for path in self.paths.values():
            os.makedirs(path)
        self.root, self.server = root, None
        self.file = root / "state" / "config" / "config.json"
        self.server_settings = {
            "port": 8065, "path": "", "local_mode": True, "config": {}, "insist": [], "environment": {},
        }  # fmt: skip
        self.branches = {
            "mail": {"server": "", "username": "", "from_address": ""},
            "push": {"service": "disabled", "url": "", "contents": "generic"},
        }
        self.unpack("11.7.100", RELEASE)
        os.symlink("11.7.100", root / "install" / "current")

    def unpack(self, version, config):
        folder = self.root / "install" / version / "config"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))

    def apply(self, test=False, version="11.7.100", adopt=False, **config):
        if config:
            self.server_settings["config"] = config
        settings = {
            "name": "chat", "max_connections": 100, "server": self.server_settings, "paths": self.paths, **self.branches,
        }  # fmt: skip
        state = load_state("mattermost_config", test=test)
        return state.merged(
            str(self.file), self.paths, USER, {"version": version, "pinned": True},
            settings=settings, environment=self.server_settings["environment"], adopt=adopt,
        )  # fmt: skip

    def set(self, keys, test=False, over=None):
        state = load_state("mattermost_config", test=test)
        return state.merged(
            str(self.file), self.paths, USER, {"version": "11.7.100", "pinned": True}, keys=keys, over=over
        )

    def config(self):
        return json.loads(self.file.read_text())

    def edit(self, section, key, value):
        config = self.config()
        config.setdefault(section, {})[key] = value
        self.file.write_text(json.dumps(config))

    def start(self, **kwargs):
        self.server = FakeServer(self.root / "run" / "local.socket", self.file, **kwargs)
        return self.server
