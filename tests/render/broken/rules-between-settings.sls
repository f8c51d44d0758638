# expected: mattermost:server:port must be of type integer, not str '5432'. Write it without quotes.
# expected: mattermost:server:user is root, and a server must never have the privileges of that account. Set an account for the server alone, such as mattermost.
# expected: mattermost:paths:work is /var/lib, a system directory. Set a directory for this alone, such as /var/lib/mattermost.
mattermost:
  server:
    user: root
    port: '5432'
  paths:
    work: /var/lib
  preflight:
    ignore: [account]
