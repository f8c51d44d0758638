"""``make trial-browser``: a person's visit to the running trial."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.browser.chromium import BrowserError
from tests.browser.visit import Site, visit
from tests.trial_host import admin_login

FOLDER = Path(".lab/browser")


def main():
    site = Site(os.environ["HOST_ID"], os.environ["ADDRESS"], os.environ["CA_FILE"])
    try:
        browser = visit(site, *admin_login(), FOLDER)
    except (BrowserError, OSError, subprocess.SubprocessError) as error:
        print(f"trial-browser: {error}", file=sys.stderr)
        return 1
    print(f"Signed in, posted, exchanged a file; {len(browser.frames)} websocket frames. Screenshots: {FOLDER}/*.png")
    for answer in browser.answers:
        print(f"  answered by the server: {answer}")
    for problem in browser.problems:
        print(f"  PROBLEM {problem}", file=sys.stderr)
    return int(bool(browser.problems))


if __name__ == "__main__":
    sys.exit(main())
