# expected: mattermost:database:port is 70000; its maximum is 65535.
mattermost:
  database:
    port: 70000
