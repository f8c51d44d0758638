# expected: mattermost:paths:run is '/var/run/mattermost', which is not of the wanted form (one directory right below /run)
mattermost:
  paths:
    run: /var/run/mattermost
