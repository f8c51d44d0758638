# ssh (on the port in use), http and https are let in, masquerading is off; what else the administrator opened stays.
# Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}

include:
  - mattermost.deploy.common
  - .kind-{{ mattermost.platform.firewall.kind if mattermost.firewall.manage else 'none' }}
