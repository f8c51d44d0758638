# Import the server of an installation that this tree did not make: by hand from the archive, Mattermost Omnibus, GitLab's bundled
# one, Docker compose. Its database, files and settings are copied into a server deployed here; nothing at the source is changed.
# Start: salt-run state.orchestrate mattermost.import pillar='{"import": {"from": "A", "to": "B", "stop": true}}'
# Needs: both in the roster; B may be bare. stop: A's server may be stopped. The new host then gets its site by mattermost.ssl.
# With A alone its server is taken over in place: the old one is set aside by renames, and put back when anything fails.

from-host-is-named:
  mattermost_import.source_selected: []

to-host-is-fit:
  mattermost_preflight.passed:
    - site: ''
    - leave_out:
        - breaking-changes
    - require:
      - mattermost_import: from-host-is-named

installation-fits:
  mattermost_import.compatible:
    - require:
      - mattermost_preflight: to-host-is-fit

archive:
  mattermost_archive.available:
    - require:
      - mattermost_import: installation-fits

packages:
  mattermost_stage.applied:
    - apply: mattermost.deploy.packages
    - require:
      - mattermost_archive: archive

aside:
  mattermost_stage.applied:
    - apply: mattermost.deploy.aside
    - in_place: True
    - require:
      - mattermost_stage: packages

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - in_place: False
    - require:
      - mattermost_stage: aside

server:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server
    - in_place: False
    - require:
      - mattermost_stage: database

backup:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - in_place: False
    - require:
      - mattermost_stage: server

copied-ahead:
  mattermost_move.precopied:
    - require:
      - mattermost_stage: backup

imported:
  mattermost_import.imported:
    - require:
      - mattermost_move: copied-ahead

backup-afterwards:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - in_place: True
    - require:
      - mattermost_import: imported

report:
  mattermost_report.shown:
    - order: last
