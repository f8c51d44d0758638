# grains: {os: Debian, os_family: Debian, osmajorrelease: 8}
# expected-start: This host runs Debian 8, which is not supported. Supported: 
mattermost:
  email: admin@example.test
