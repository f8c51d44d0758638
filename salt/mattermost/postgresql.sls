# Bring the server's data to another major of PostgreSQL: the one that mattermost:database:version names, or the platform's own.
# Start: salt-run state.orchestrate mattermost.postgresql
# Needs: a deployed host with room for a second copy of the data. The server is stopped while the data is copied; what fails is
# undone on the host, with no controller. The old cluster is kept, stopped, until `mattermost-postgresql forget MAJOR` on the host.

preflight:
  mattermost_preflight.passed:
    - site: ''
    - another_postgresql: True
    - leave_out: [downgrade, edition, license, sign-in, upgrade-changes, user-limit]  # nothing is upgraded

postgresql:
  mattermost_stage.applied:
    - apply: mattermost.deploy.postgresql
    - require:
      - mattermost_preflight: preflight

report:
  mattermost_report.shown:
    - order: last
