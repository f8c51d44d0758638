# Refuse to take the place of an installation that an import put back.
# Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}

no-previous-installation-is-in-the-way:
  mattermost_run_lock.no_previous_installation:
    - name: {{ mattermost.paths.work }}/aside/given-back
