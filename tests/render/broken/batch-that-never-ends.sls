# expected: mattermost:batch:failures is 0. It must be at least 1.
mattermost:
  batch:
    size: 2
    failures: 0
