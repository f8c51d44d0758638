# New values for the secrets that were born on the host: the repository's password of the backups, and the database's where there is one.
# Start: salt-run state.orchestrate mattermost.rotate
# Needs: a deployed host. The server is restarted when its login changes; when it is not well with it, the host puts the old one back, as
# it does after a power cut. Run again after it was cut short. Passwords that the settings name are changed there instead.

preflight:
  mattermost_preflight.passed:
    - site: ''

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

rotate:
  mattermost_stage.applied:
    - apply: mattermost.deploy.rotate
    - require:
      - mattermost_stage: backup

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - require:
      - mattermost_stage: rotate

server:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server
    - require:
      - mattermost_stage: database

report:
  mattermost_report.shown:
    - order: last
