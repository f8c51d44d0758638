# expected: mattermost:push:zzzz is not a setting. Known names: contents, service, url.
mattermost:
  push:
    zzzz: 1
