# options: {postgres.user: root}
# expected: Roster option postgres.user is root, but the superuser is always postgres. Remove the option.
mattermost:
  email: admin@example.test
