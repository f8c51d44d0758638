# Take the deployment off its host. The database, files, configuration, secrets, certificate and backups stay, and mattermost.ssl
# brings the server back with them; what was on the host before stays as it was or is put back.
# Start: salt-run state.orchestrate mattermost.remove [test=True]
#        salt-run state.orchestrate mattermost.remove pillar='{"remove": {"purge": "chat.example.com"}}'   destroys the data too
# Needs: a roster. Can be run again after it was interrupted.

removal-is-clearly-meant:
  mattermost_removal.meant: []

remove:
  mattermost_stage.applied:
    - apply: mattermost.deploy.remove
    - told: remove
    - require:
      - mattermost_removal: removal-is-clearly-meant

what-stays-is-said:
  mattermost_removal.told:
    - require:
      - mattermost_stage: remove
