# expected: mattermost:paths:run is '/var/run/mattermost', which does not have the required form (a directory directly below /run, such as /run/mattermost).
mattermost:
  paths:
    run: /var/run/mattermost
