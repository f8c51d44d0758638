# expected: mattermost:server:port must be of type integer, not str '5432'. Write the value without quotes.
# expected: mattermost:server:user is root, but the server must never have the privileges of that account. Set an account that only the server uses, such as mattermost.
# expected: mattermost:paths:work is /var/lib, a system directory. Set a directory that nothing else uses, such as /srv/mattermost.
mattermost:
  server:
    user: root
    port: '5432'
  paths:
    work: /var/lib
  preflight:
    ignore: [account]
