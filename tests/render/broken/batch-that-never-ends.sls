# expected: mattermost:batch:failures is 0, but the minimum is 1 host.
mattermost:
  batch:
    size: 2
    failures: 0
