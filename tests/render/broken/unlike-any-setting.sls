# expected: mattermost:push:zzzz is not a setting. Known here: contents, service, url.
mattermost:
  push:
    zzzz: 1
