# expected: mattermost:nginx:hsts_seconds is -1, but the minimum is 0 seconds.
# expected: mattermost:push:contents is 'all', but must be one of generic_no_channel, generic, full.
mattermost:
  push:
    contents: all
  nginx:
    hsts_seconds: -1
