# The first administrator's account, made through the local socket before anyone can sign up.
# Needs: the server running (mattermost.deploy.server.service).
{% set mattermost = salt['mattermost_settings.get']() %}

first-account-is-the-administrators:
  mattermost_account.first_admin:
    - name: {{ mattermost.paths.settings }}/first-admin-login
    - paths: {{ mattermost.paths | json }}
    - server: {{ mattermost.server | json }}
