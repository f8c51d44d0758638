# expected: mattermost:email has a line break in it or at its end: write it as one line, without `|` or `>`.
# expected: mattermost:mail:password has a line break in it or at its end: write it as one line, without `|` or `>`.
mattermost:
  email: |
    admin@example.test
  mail:
    password: "s3cret\nfrom other@example.test"
