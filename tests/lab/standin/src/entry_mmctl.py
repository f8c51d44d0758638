"""Start of the frozen ``mmctl``."""

from standin.mmctl.cli import entry

entry()
