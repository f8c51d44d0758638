# The packages of all components in one transaction, the release's archive fetched meanwhile. Each component installs its own
# packages too, and the server fetches its archive, so that each works alone.
# For mattermost.ssl. Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set platform = mattermost.platform %}
{% set repositories = 'mattermost.deploy.repositories.kind-' ~ platform.repositories.kind %}
{% set certbot = platform.certbot.packages if mattermost.certificate.source == 'letsencrypt' else [] %}
{# A firewalld that starts is deaf to a minion's master until mattermost.deploy.firewall has opened it: there it comes last. #}
{% set with_firewall = mattermost.firewall.manage and platform.firewall.kind == 'firewalld' and mattermost.engine == 'ssh' %}
{% set firewall = platform.firewall.packages if with_firewall else [] %}
{% set packages = platform.packages + platform.postgresql.packages + platform.nginx.packages + platform.backup.packages + certbot + firewall %}

include:
  - mattermost.deploy.alone
  - mattermost.deploy.common

no-data-waits-in-another-postgresql:
  mattermost_database.major_compatible:
    - cluster: {{ platform.postgresql | json }}
    - work: {{ mattermost.paths.work }}
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress
      - mattermost_run_lock: no-data-are-being-replaced

archive-arrives-while-packages-are-installed:
  mattermost_release.begun:
    - name: {{ mattermost.paths.install }}
    - release: {{ mattermost.release | json }}
    - work: {{ mattermost.paths.work }}
    - ca_file: {{ platform.ca_bundle }}
    - require:
      - mattermost_database: no-data-waits-in-another-postgresql
      - sls: {{ repositories }}
{% if with_firewall %}

ssh-is-allowed-before-the-firewall-is-installed:
  mattermost_firewall.prepared:
    - name: firewalld
    - services: [http, https]
    - require:
      - mattermost_database: no-data-waits-in-another-postgresql
    - require_in:
      - pkg: packages-are-installed
{% endif %}

postgresql-starts-with-its-settings:
  mattermost_database.held:
    - cluster: {{ platform.postgresql | json }}
    - require:
      - mattermost_database: no-data-waits-in-another-postgresql
    - require_in:
      - pkg: packages-are-installed

no-other-program-installs-packages:
  mattermost_package_lock.free:
    - pkgs: {{ packages | json }}
    - require:
      - mattermost_release: archive-arrives-while-packages-are-installed

packages-are-installed:
  pkg.installed:
    - pkgs: {{ packages | json }}
    - install_recommends: False
    - require:
      - mattermost_package_lock: no-other-program-installs-packages
    - require_in:
      - pkg: tools-are-installed
