# expected: mattermost:server must be of type object, not str '8065'. Write the value as a mapping, {...}.
mattermost:
  server: '8065'
