# expected: mattermost:email is 'nobody', which does not have the required form (an email address, such as admin@example.com).
mattermost:
  email: nobody
