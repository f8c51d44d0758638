# All packages of the components in one transaction: half the time of one transaction each on a fresh host.
# Each component installs its own too, so that it works alone. The firewall's are left to the firewall, which lets ssh in
# before its package starts it.
# For mattermost.ssl. Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set platform = mattermost.platform %}
{% set certbot = platform.certbot.packages if mattermost.certificate.source == 'letsencrypt' else [] %}

include:
  - mattermost.deploy.common

no-data-waits-in-another-postgresql:
  mattermost_database.major_compatible:
    - cluster: {{ platform.postgresql | json }}
    - work: {{ mattermost.paths.work }}
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress

packages-are-installed:
  pkg.installed:
    - pkgs: {{ (platform.postgresql.packages + platform.nginx.packages + platform.backup.packages + certbot) | json }}
    - install_recommends: False
    - require:
      - mattermost_database: no-data-waits-in-another-postgresql
