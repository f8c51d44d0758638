# YAML reads 11.7 as a number; the answer says what form is wanted.
# expected: mattermost:release:version must be of type string, not float 11.7. Write the value in quotes. Without quotes YAML reads a number, and 11.10 becomes 11.1.
mattermost:
  release:
    version: 11.7
