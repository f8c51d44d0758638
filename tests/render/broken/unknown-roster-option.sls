# options: {postgres.mm_database_pasword: x}
# expected: Roster option postgres.mm_database_pasword is not known. Did you mean postgres.mm_database_pass?
mattermost:
  email: admin@example.test
