"""The host tier against a deployed Debian 12 host; other platforms' scenarios do the same with theirs."""

from tests.scenarios import hosttier


def test_the_host_tier_holds_on_a_deployed_host(deployed_host):
    # the host was started just now: its first test asks the site, which comes up after ssh does
    deployed_host.ssh("for i in $(seq 300); do mattermost-switch check && exit; sleep 0.2; done; exit 1", timeout=90)
    hosttier.holds(deployed_host)
