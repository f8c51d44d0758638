# Another major of PostgreSQL beside the one at work, and the server's data brought over to it. Nothing here when it is the same.
# Needs: a host deployed by mattermost.ssl or mattermost.non-ssl. Settings: database.*, platform.postgresql, platform.repositories.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set database = mattermost.database %}
{% set postgresql = mattermost.platform.postgresql %}
{% import_text 'mattermost/deploy/postgresql/files/usr/local/sbin/mattermost-postgresql.jinja' as program %}

include:
  - mattermost.deploy.common

postgresql-upgrade-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-postgresql
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

postgresql-upgrade-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-postgresql.service
    - source: salt://mattermost/deploy/postgresql/files/etc/systemd/system/mattermost-postgresql.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        work: {{ mattermost.paths.work }}
        settings: {{ mattermost.paths.settings }}

server-waits-for-the-end-of-a-postgresql-upgrade:
  file.managed:
    - name: /etc/systemd/system/mattermost.service.d/postgresql.conf
    - source: salt://mattermost/deploy/postgresql/files/etc/systemd/system/mattermost.service.d/postgresql.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True
    - context:
        work: {{ mattermost.paths.work }}

postgresql-holds-the-data-in-the-wanted-major:
  mattermost_database_major.upgraded:
    - name: {{ database.name }}
    - cluster: {{ postgresql | json }}
    - port: {{ database.port }}
    - release: {{ mattermost.release | json }}
    - paths: {{ mattermost.paths | json }}
    - superuser_password: {{ database.superuser_password | json }}
    - share: {{ database.share }}
    - require:
      - file: postgresql-upgrade-program-is-in-place
      - file: postgresql-upgrade-unit-is-in-place
      - file: server-waits-for-the-end-of-a-postgresql-upgrade
