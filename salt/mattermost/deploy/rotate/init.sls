# New values for the secrets that were born on this host; the server is restarted with its database's new password.
# Needs: a deployed host; mattermost.deploy.backup for the repository's password. Settings: database.auth, backup.enabled.
{% set mattermost = salt['mattermost_settings.get']() %}
{% import_text 'mattermost/deploy/rotate/files/usr/local/sbin/mattermost-new-backup-password.jinja' as backup_password_program %}
{% import_text 'mattermost/deploy/rotate/files/usr/local/sbin/mattermost-new-database-password.jinja' as database_password_program %}

include:
  - mattermost.deploy.common

backup-password-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-new-backup-password
    - contents: {{ backup_password_program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

backup-password-is-new:
  mattermost_rotation.backup_password:
    - name: {{ mattermost.paths.settings }}/secrets
    - given: {{ mattermost.backup.password != '' }}
    - require:
      - file: backup-password-program-is-in-place

database-password-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-new-database-password
    - contents: {{ database_password_program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

database-password-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-rotate.service
    - source: salt://mattermost/deploy/rotate/files/etc/systemd/system/mattermost-rotate.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}
        postgresql: {{ mattermost.platform.postgresql.service }}.service

server-waits-for-the-end-of-a-new-database-password:
  file.managed:
    - name: /etc/systemd/system/mattermost.service.d/rotate.conf
    - source: salt://mattermost/deploy/rotate/files/etc/systemd/system/mattermost.service.d/rotate.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True
    - context:
        work: {{ mattermost.paths.work }}

database-password-is-new:
  mattermost_rotation.database_password:
    - name: {{ mattermost.paths.settings }}/secrets
    - auth: {{ mattermost.database.auth }}
    - given: {{ mattermost.database.password != '' }}
    - database: {{ mattermost.database | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - paths: {{ mattermost.paths | json }}
    - superuser_password: {{ mattermost.database.superuser_password | json }}
    - require:
      - mattermost_rotation: backup-password-is-new
      - file: database-password-program-is-in-place
      - file: database-password-unit-is-in-place
      - file: server-waits-for-the-end-of-a-new-database-password
