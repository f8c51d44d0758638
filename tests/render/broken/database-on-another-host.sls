# options: {postgres.host: db.example.test}
# expected: Roster option postgres.host is db.example.test, but the bundle supports only a PostgreSQL on the chat host itself. Set the option to localhost.
mattermost:
  email: admin@example.test
