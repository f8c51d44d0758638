# expected: mattermost:email is 'nobody', which is not of the wanted form (Mail address that the certificate authority and the first administrator's account use.)
mattermost:
  email: nobody
