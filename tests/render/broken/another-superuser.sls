# options: {postgres.user: root}
# expected: Roster option postgres.user is root: the superuser is postgres; remove the option.
mattermost:
  email: admin@example.test
