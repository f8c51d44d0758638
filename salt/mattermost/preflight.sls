# Check the settings and every host of this deployment, changing nothing. Start: salt-run state.orchestrate mattermost.preflight
# What mattermost.ssl asks for is checked, on a host with plain HTTP what mattermost.non-ssl does; another one is named by
# pillar='{"preflight": {"site": "non-ssl"}}'.
# Needs: a roster.

hosts-are-fit:
  mattermost_preflight.requested: []

report:
  mattermost_report.shown:
    - order: last
