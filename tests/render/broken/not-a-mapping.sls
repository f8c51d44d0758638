# expected: mattermost must be a mapping of settings, not list.
mattermost:
  - email
