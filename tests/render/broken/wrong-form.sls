# expected: mattermost:email is 'nobody', which is not of the wanted form (an address, such as admin@example.com)
mattermost:
  email: nobody
