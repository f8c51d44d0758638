# The value never stands in the message.
# expected: mattermost:mail:password must be of type string, not int (hidden). Write the value in quotes, '...'.
mattermost:
  mail:
    password: 12345
