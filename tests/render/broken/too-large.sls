# expected: mattermost:database:port is 70000, but the maximum is 65535.
mattermost:
  database:
    port: 70000
