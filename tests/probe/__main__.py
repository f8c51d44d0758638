"""Watch a site while a command runs: ``python -m tests.probe NAME [--address IP] [--ca-file PEM] [-- COMMAND…]``.

Without a command it watches for --seconds. Prints the report as JSON; exit status 1 when a request was lost, else the
command's own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from tests.probe import Probe, Target


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit status."""
    own, command = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        own, command = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(prog="python -m tests.probe", description=__doc__.split(":")[0])
    parser.add_argument("name", help="host name: certificate, SNI, Host header")
    parser.add_argument("--address", help="IP address to connect to (default: the name's)")
    parser.add_argument("--port", type=int)
    parser.add_argument("--plain", action="store_true", help="HTTP without TLS")
    parser.add_argument("--ca-file", help="PEM with the root to trust")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10, help="how long to watch without a command")
    parser.add_argument("--token", help="session token for the websocket and the upload")
    given = parser.parse_args(own)
    target = Target(given.name, given.address, given.port, not given.plain, given.ca_file)
    status = 0
    with Probe(target, rate=given.rate, token=given.token) as probe:
        if command:
            status = subprocess.run(command, check=False, stdout=sys.stderr).returncode
        else:
            time.sleep(given.seconds)
    print(json.dumps(probe.report.as_dict(), indent=2))
    return 1 if probe.report.lost else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
