"""The configuration in memory and where it is kept: load, rewrite, save, reload."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from . import config_rules, config_shown, config_values, gojson
from .config_backing import ConfigError, backing
from .config_values import Config
from .versions import Build


class ConfigStore:
    """place: a path or a DSN. file: what is kept there. effective: the same with the environment on top."""

    def __init__(self, build: Build, place: str, environ: Mapping[str, str]):
        self.build = build
        self.backing = backing(place)
        self.overrides = config_values.overrides(environ, build)
        self.file: Config = {}
        self.effective: Config = {}

    def _parse(self) -> tuple[Config, Config]:
        text = self.backing.read()
        try:
            raw = gojson.loads(text) if text.strip() else {}
            part = config_values.known_part(raw, self.build, text)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        file = config_values.complete(part, self.build)
        effective = config_values.with_overrides(file, self.overrides, self.build)
        self.check(effective)
        return file, effective

    def check(self, effective: Config) -> None:
        """Raise ConfigError when *effective* is not valid."""
        fault = config_rules.first_fault(effective, self.build)
        if fault:
            raise ConfigError(f"invalid config: Config.IsValid: {fault}")

    def load(self, write: bool = True) -> None:
        """Read the file, make it complete and, unless *write* is False, write it back.

        Raises ConfigError; memory and file are then as before.
        """
        file, effective = self._parse()
        # once loaded, only where something changed: an edit of form alone stays in the file
        if write and (effective != self.effective or not self.build.at_least(11, 0)):
            self.backing.write(gojson.dumps(file, indent=4))
        self.file, self.effective = file, effective

    def save(self, effective: Config) -> None:
        """Make *effective* the configuration and write the whole file from memory.

        Keys that the environment sets keep the value the file had. Raises ConfigError; nothing is changed then.
        """
        effective = config_values.with_overrides(effective, self.overrides, self.build)
        self.check(effective)
        file = config_values.merge(effective, {})
        for section, key in self.overrides:
            file[section][key] = self.file[section][key]
        self.backing.write(gojson.dumps(file, indent=4))
        self.file, self.effective = file, effective

    @property
    def hash(self) -> str:
        """64 hex digits that change with what clients are shown; before 11.0, 32 with every setting."""
        if not self.build.at_least(11, 0):
            return hashlib.md5(gojson.dumps(self.effective).encode(), usedforsecurity=False).hexdigest()
        return hashlib.sha256(gojson.dumps(config_shown.values(self.effective)).encode()).hexdigest()

    def __getitem__(self, section: str) -> dict:
        return self.effective[section]
