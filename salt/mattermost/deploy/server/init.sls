# The Mattermost server: its release, its settings, its service in the wanted version, its first account.
# Needs: mattermost.deploy.database.
include:
  - mattermost.deploy.alone
  - mattermost.deploy.common
  - .release
  - .config
  - .switch
  - .service
  - .account
