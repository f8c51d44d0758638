# Put a backup back: on the host that made it, or on a new, bare one, which is deployed first in the version that the settings name.
# Start: salt-run state.orchestrate mattermost.restore [pillar='{"restore": {"snapshot": "1a2b3c4d", "overwrite": true}}']
# Needs: the repository and its password (backup.*). Newer messages are refused unless told to overwrite; what is replaced is kept.
# A new host then gets its site by mattermost.ssl or mattermost.non-ssl.

preflight:
  mattermost_preflight.passed:
    - site: ''

archive:
  mattermost_archive.available:
    - require:
      - mattermost_preflight: preflight

packages:
  mattermost_stage.applied:
    - apply: mattermost.deploy.packages
    - require:
      - mattermost_archive: archive

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - require:
      - mattermost_stage: packages

server:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server
    - require:
      - mattermost_stage: database

backup:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - require:
      - mattermost_stage: server

backup-is-restored:
  mattermost_backup.restored:
    - require:
      - mattermost_stage: backup

report:
  mattermost_report.shown:
    - order: last
