# expected: mattermost:email contains a line break. Write the value as one line, without `|` or `>`.
# expected: mattermost:mail:password contains a line break. Write the value as one line, without `|` or `>`.
mattermost:
  email: |
    admin@example.test
  mail:
    password: "s3cret\nfrom other@example.test"
