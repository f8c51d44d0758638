# Wait until nothing replaces the server's data or its login: a deploy in the middle would create what the change is about to rename.
# Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}

no-data-are-being-replaced:
  mattermost_run_lock.no_change_is_open:
    - name: {{ mattermost.paths.work }}
    - paths: {{ mattermost.paths | json }}
