# YAML reads 11.7 as a number; the answer says what form is wanted.
# expected: mattermost:release:version must be of type string, not float 11.7.
mattermost:
  release:
    version: 11.7
