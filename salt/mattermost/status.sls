# Tell how the hosts are, one screen each, and whether anything needs somebody. Changes nothing.
# Start: salt-run state.orchestrate mattermost.status; for programs with --out=json; without the look for drift, which
# takes some seconds, with pillar='{"status": {"drift": false}}'.
# Needs: a roster entry; the host may be broken. Its exit status is 0 when all is well.

hosts-are-healthy:
  mattermost_status.reported: []
