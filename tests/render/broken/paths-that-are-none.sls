# expected: mattermost:paths:state is '/srv/my chat', which does not have the required form (an absolute path without blanks, and without a slash at its end).
# expected: mattermost:paths:work is 'work', which does not have the required form (an absolute path without blanks, and without a slash at its end).
mattermost:
  paths:
    state: /srv/my chat
    work: work
