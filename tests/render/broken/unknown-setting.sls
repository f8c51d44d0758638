# expected: mattermost:relase is not a setting. Did you mean release?
mattermost:
  email: admin@example.test
  relase:
    version: 11.7.10
