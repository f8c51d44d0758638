# Make a backup now, and say its number and size. Start: salt-run state.orchestrate mattermost.backup
# Needs: a host deployed by mattermost.ssl or mattermost.non-ssl. The server goes on serving.

preflight:
  mattermost_preflight.passed:
    - site: ''
    - leave_out: [breaking-changes, downgrade, edition, license, sign-in, upgrade-changes, user-limit]  # nothing is upgraded

# an earlier bundle did not make it
login-of-the-programs:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database.login
    - require:
      - mattermost_preflight: preflight

backup:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - require:
      - mattermost_stage: login-of-the-programs

backup-is-made:
  mattermost_backup.created:
    - require:
      - mattermost_stage: backup

report:
  mattermost_report.shown:
    - order: last
