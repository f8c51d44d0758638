# expected: mattermost:server must be of type object, not str '8065'.
mattermost:
  server: '8065'
