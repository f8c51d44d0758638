# Restore the newest backup to a scratch place on its host, compare it with its manifest, clean up; the server goes on serving.
# Start: salt-run state.orchestrate mattermost.drill
# Needs: a host deployed by mattermost.ssl or mattermost.non-ssl, with a backup.

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

newest-backup-restores:
  mattermost_backup.drilled:
    - require:
      - mattermost_stage: backup

report:
  mattermost_report.shown:
    - order: last
