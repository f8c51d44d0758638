# The host program that alone switches versions, forward and back, its settings and its unit; beside it the one that lists and removes
# what is kept. They change nothing by themselves.
# Needs: mattermost.deploy.database; the paths of its settings are made by mattermost.deploy.server.release.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set paths = mattermost.paths %}
{% set postgresql = mattermost.platform.postgresql %}
{% import_text 'mattermost/deploy/server/files/usr/local/sbin/mattermost-switch.jinja' as program %}
{% import_text 'mattermost/deploy/server/files/usr/local/sbin/mattermost-kept.jinja' as kept_program %}

# The programs need what mattermost.deploy.database of this bundle makes; after an older one the old programs stay.
switch-can-log-in-to-the-database:
  mattermost_database.login_works:
    - name: {{ mattermost.database.name }}
    - role: {{ mattermost.database.user }}
    - auth: peer
    - port: {{ mattermost.database.port }}
    - os_user: mattermost-sql
    - secrets: {{ mattermost.paths.settings }}/secrets
    - cluster: {{ mattermost.platform.postgresql | json }}

kept-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-kept
    - contents: {{ kept_program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - mattermost_database: switch-can-log-in-to-the-database

switch-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-switch
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - file: kept-program-is-in-place

# until November 2026 a part of the program stood beside it
switch-program-has-no-parts-beside-it:
  file.absent:
    - name: /usr/local/lib/mattermost/kept.sh
    - require:
      - file: switch-program-is-in-place

switch-program-has-its-settings:
  file.managed:
    - name: {{ paths.settings }}/switch.conf
    - source: salt://mattermost/deploy/server/files/etc/mattermost/switch.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - context:
        values:
          install: {{ paths.install }}
          state: {{ paths.state }}
          settings: {{ paths.settings }}
          work: {{ paths.work }}
          port: {{ mattermost.server.port }}
          service: mattermost.service
          database: {{ mattermost.database.name }}
          role: {{ mattermost.database.user }}
          psql: {{ postgresql.bin_dir }}/psql
          socket_dir: {{ postgresql.socket_dir }}
          database_port: {{ mattermost.database.port }}
          socket: {{ paths.run }}/local.socket
          local_mode: {{ 'yes' if mattermost.server.local_mode else 'no' }}
          start_timeout: {{ mattermost.server.start_timeout }}
          copy: {{ mattermost.release.safety_copy }}
          keep: {{ mattermost.release.keep }}
          keep_days: {{ mattermost.kept.days }}
          keep_messages: {{ 'yes' if mattermost.kept.messages else '' }}

server-unit-takes-what-a-switch-says:
  file.managed:
    - name: /etc/systemd/system/mattermost.service.d/server.conf
    - source: salt://mattermost/deploy/server/files/etc/systemd/system/mattermost.service.d/server.conf
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True

switch-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-switch.service
    - source: salt://mattermost/deploy/server/files/etc/systemd/system/mattermost-switch.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        postgresql: {{ postgresql.service }}.service
        work: {{ paths.work }}
        settings: {{ paths.settings }}
