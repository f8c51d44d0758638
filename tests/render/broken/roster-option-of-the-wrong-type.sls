# options: {postgres.port: '5432x'}
# expected: mattermost:database:port must be of type integer, not str '5432x'. This value comes from postgres.port in the roster.
mattermost:
  email: admin@example.test
