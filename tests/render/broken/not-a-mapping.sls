# expected: The pillar key mattermost must be a mapping of settings, but is of type list.
mattermost:
  - email
