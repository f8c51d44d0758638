# options: {postgres.host: db.example.test}
# expected: Roster option postgres.host is db.example.test: only a PostgreSQL on the same host is supported; use localhost.
mattermost:
  email: admin@example.test
