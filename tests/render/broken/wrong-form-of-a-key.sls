# expected: mattermost:server:environment is 'PATH', which is not of the wanted form (^MM_[A-Z0-9_]+$)
mattermost:
  server:
    environment:
      PATH: /tmp
