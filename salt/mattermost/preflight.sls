# Check the settings and every host of this deployment, changing nothing. Start: salt-run state.orchestrate mattermost.preflight
# Needs: a roster; what mattermost.ssl asks for is what is checked.

hosts-are-fit:
  mattermost_preflight.passed:
    - site: ssl
