# expected: mattermost:server:port must be of type integer, not str '8065'. Write the value without quotes.
mattermost:
  server:
    port: '8065'
