# expected: mattermost:server:prot is not a setting. Did you mean port?
mattermost:
  server:
    prot: 8066
