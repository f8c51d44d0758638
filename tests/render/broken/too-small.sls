# expected: mattermost:server:start_timeout is 1, but the minimum is 10 seconds.
mattermost:
  server:
    start_timeout: 1
