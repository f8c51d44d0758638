# expected: mattermost:server:port must be of type integer, not str '5432'.
# expected: mattermost:server:user is root, whose rights a server must never have: name an account of its own, such as mattermost.
# expected: mattermost:paths:work is /var/lib: that is a directory of the system. Name one of its own, such as /var/lib/mattermost.
mattermost:
  server:
    user: root
    port: '5432'
  paths:
    work: /var/lib
  preflight:
    ignore: [account]
