# expected: mattermost:server:port must be of type integer, not str '8065'.
mattermost:
  server:
    port: '8065'
