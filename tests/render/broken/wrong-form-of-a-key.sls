# expected: mattermost:server:environment is 'PATH', which is not of the wanted form (MM_SECTION_KEY in capitals, such as MM_LOGSETTINGS_FILELEVEL)
mattermost:
  server:
    environment:
      PATH: /tmp
