# expected: mattermost:hosts:0 must be of type string, not int 7.
mattermost:
  hosts:
    - 7
