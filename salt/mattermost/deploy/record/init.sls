# Note on the host which version of this bundle deployed it. Applied last: a run that stopped early has not deployed all of it.
# Needs: the components of a site.
{% set mattermost = salt['mattermost_settings.get']() %}

include:
  - mattermost.deploy.common

bundle-version-is-noted:
  mattermost_bundle.recorded:
    - name: {{ mattermost.paths.work }}
    - bundle: {{ mattermost.bundle | json }}
    - require:
      - sls: mattermost.deploy.common
