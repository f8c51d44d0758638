# expected: mattermost:paths:run is '/var/run/mattermost', which does not have the required form (one directory directly below /run)
mattermost:
  paths:
    run: /var/run/mattermost
