# expected: mattermost:hosts:0 must be of type string, not int 7. Write the value in quotes, '...'.
mattermost:
  hosts:
    - 7
