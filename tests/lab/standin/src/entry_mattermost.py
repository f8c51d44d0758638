"""Start of the frozen ``mattermost``."""

from standin.cli import entry

entry()
