# expected: mattermost:push:service is 'hostd', but must be one of disabled, test, hosted, own. Did you mean hosted?
mattermost:
  push:
    service: hostd
