# The value never stands in the message.
# expected: mattermost:mail:password must be of type string, not int (hidden).
mattermost:
  mail:
    password: 12345
