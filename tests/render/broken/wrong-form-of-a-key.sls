# expected: mattermost:server:environment is 'PATH', which does not have the required form (MM_SECTION_KEY in capitals, such as MM_LOGSETTINGS_FILELEVEL).
mattermost:
  server:
    environment:
      PATH: /tmp
