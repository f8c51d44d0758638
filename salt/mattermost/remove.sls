# Take the deployment off its host. The database, files, configuration, secrets, certificate and backups stay, and mattermost.ssl
# brings the server back with them; what was on the host before stays as it was or is put back.
# Start: salt-run state.orchestrate mattermost.remove [test=True]
#        salt-run state.orchestrate mattermost.remove pillar='{"remove": {"purge": "chat.example.com"}}'   destroys the data too
# Needs: a roster, or minions. Can be run again after it was interrupted.

removal-is-confirmed:
  mattermost_removal.confirmed: []

remove:
  mattermost_stage.applied:
    - apply: mattermost.deploy.remove
    - forward_pillar: remove
    - require:
      - mattermost_removal: removal-is-confirmed

what-stays-is-reported:
  mattermost_removal.reported:
    - require:
      - mattermost_stage: remove

report:
  mattermost_report.shown:
    - order: last
