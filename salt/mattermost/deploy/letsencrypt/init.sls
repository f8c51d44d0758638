# The site's certificate, from an ACME CA or from the user's own files. Needs: mattermost.deploy.nginx-base (it answers
# the CA's challenge on port 80).
{% set mattermost = salt['mattermost_settings.get']() %}

include:
  - mattermost.deploy.common
  - .source-{{ mattermost.certificate.source }}
  - .watch
