"""The probe for lost requests: what users would notice while something is done to the server.

Open loop: request *n* starts at its own time whatever became of the earlier ones, so a server that stalls cannot slow
the probe down and hide the stall. Standard library only.

    with Probe(Target("chat.example.test", address="192.0.2.7", ca_file="root.pem")) as probe:
        ...
    assert probe.report.lost == []
"""

from tests.probe.probe import Probe
from tests.probe.report import Report
from tests.probe.target import Target

__all__ = ["Probe", "Report", "Target"]
