# options: {postgres.host: db.example.test}
# expected: Roster option postgres.host is db.example.test, but only a PostgreSQL on the same host is supported. Use localhost.
mattermost:
  email: admin@example.test
