# Look at a deployed site and its host, changing nothing (mattermost:verify:round_trip deletes what it makes). Start: salt-run state.orchestrate mattermost.verify
# Needs: a site deployed by mattermost.ssl or mattermost.non-ssl; it sees which.

site-is-verified:
  mattermost_verify.passed: []

report:
  mattermost_report.shown:
    - order: last
