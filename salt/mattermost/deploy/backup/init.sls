# Backups: the program, the repository's password, and the timer that makes one by the clock.
# Needs: mattermost.deploy.server. Settings: backup.*, mail.*.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set backup = mattermost.backup %}
{% import_text 'mattermost/deploy/backup/files/usr/local/sbin/mattermost-backup.jinja' as backup_program %}
{% import_text 'mattermost/deploy/backup/files/usr/local/sbin/mattermost-restore.jinja' as restore_program %}
{% import_text 'mattermost/deploy/common/tools.sh' as tools %}
{% import_text 'mattermost/scripts/ask-repository.sh' as ask_repository %}
{% set by_clock = backup.enabled and mattermost.platform.backup.by_clock %}

include:
  - mattermost.deploy.common
  - mattermost.deploy.notify

backup-tool-is-installed:
  pkg.installed:
    - pkgs: {{ mattermost.platform.backup.packages | json }}
    - install_recommends: False
    - require:
      - sls: mattermost.deploy.common

{% set program = mattermost.platform.backup.program %}
backup-tool-is-there-without-a-package:
  mattermost_program.installed:
    - name: {{ program.path }}
    - source: {{ program.source }}
    - sha256: {{ program.sha256 | json }}
    - ca_file: {{ mattermost.platform.ca_bundle }}
    - setting: platform:backup:program
    - require:
      - sls: mattermost.deploy.common

# before anything of the settings is written that backups are made with
backup-repository-is-usable:
  mattermost_backup_repository.usable:
    - script: {{ (tools ~ "\n" ~ ask_repository) | json }}
    - repository: {{ backup.repository | json }}
    - password: {{ backup.password | json }}
    - environment: {{ backup.environment | json }}
    - settings: {{ mattermost.paths.settings }}
    - work: {{ mattermost.paths.work }}
    - require:
      - pkg: backup-tool-is-installed
      - mattermost_program: backup-tool-is-there-without-a-package

backup-password-is-kept:
  mattermost_backup_password.stored:
    - name: {{ mattermost.paths.settings }}/secrets
    - password: {{ backup.password | json }}
    - repository: {{ (backup.repository if by_clock else '') | json }}
    - require:
      - mattermost_backup_repository: backup-repository-is-usable

# The programs need what mattermost.deploy.database of this bundle makes; after an older one the old programs stay.
backup-can-log-in-to-the-database:
  mattermost_database.login_works:
    - name: {{ mattermost.database.name }}
    - role: {{ mattermost.database.user }}
    - auth: peer
    - port: {{ mattermost.database.port }}
    - os_user: mattermost-sql
    - secrets: {{ mattermost.paths.settings }}/secrets
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - sls: mattermost.deploy.common

backup-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-backup
    - contents: {{ backup_program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - mattermost_database: backup-can-log-in-to-the-database

backup-has-its-settings:
  file.managed:
    - name: {{ mattermost.paths.settings }}/backup.conf
    - source: salt://mattermost/deploy/backup/files/etc/mattermost/backup.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - show_changes: False
    - context:
        environment: {{ backup.environment | json }}
        values:
          name: {{ mattermost.name }}
          install: {{ mattermost.paths.install }}
          state: {{ mattermost.paths.state }}
          settings: {{ mattermost.paths.settings }}
          work: {{ mattermost.paths.work }}
          user: {{ mattermost.server.user }}
          service: mattermost.service
          database: {{ mattermost.database.name }}
          role: {{ mattermost.database.user }}
          bin_dir: {{ mattermost.platform.postgresql.bin_dir }}
          socket_dir: {{ mattermost.platform.postgresql.socket_dir }}
          database_port: {{ mattermost.database.port }}
          platform: {{ mattermost.platform.name }}
          certificates: {{ mattermost.platform.certbot.directory }}
          repository: {{ backup.repository | json }}
          prune: {{ 'yes' if backup.prune else 'no' }}
          keep_daily: {{ backup.keep.daily }}
          keep_weekly: {{ backup.keep.weekly }}
          keep_monthly: {{ backup.keep.monthly }}
          compression: {{ mattermost.platform.backup.compression }}
          webhook: {{ backup.notify.webhook | json }}
          mail_to: {{ backup.notify.mail | json }}
          mail_from: {{ mattermost.mail.from_address | json }}
          smtp_server: {{ mattermost.mail.server | json }}
          smtp_port: {{ mattermost.mail.port }}
          smtp_security: {{ mattermost.mail.security }}
          smtp_user: {{ mattermost.mail.username | json }}
          smtp_password: {{ mattermost.mail.password | json }}
          smtp_insecure: {{ mattermost.mail.skip_certificate_check }}
          ca_file: {{ mattermost.platform.ca_bundle }}
    - require:
      - mattermost_backup_repository: backup-repository-is-usable

backup-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-backup.service
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost-backup.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        postgresql: {{ mattermost.platform.postgresql.service }}.service
        settings: {{ mattermost.paths.settings }}

backup-failure-is-reported:
  file.managed:
    - name: /etc/systemd/system/mattermost-backup-failed.service
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost-backup-failed.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}

backup-has-its-hour:
  file.managed:
    - name: /etc/systemd/system/mattermost-backup.timer
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost-backup.timer.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        schedule: {{ backup.schedule | json }}

backup-is-scheduled-where-wanted:
  service.{{ 'running' if by_clock else 'dead' }}:
    - name: mattermost-backup.timer
    - enable: {{ by_clock }}
    - watch:
      - file: backup-has-its-hour
    - require:
      - pkg: backup-tool-is-installed
      - mattermost_program: backup-tool-is-there-without-a-package
      - mattermost_backup_password: backup-password-is-kept
      - file: backup-program-is-in-place
      - file: backup-has-its-settings
      - file: backup-unit-is-in-place
      - file: backup-failure-is-reported
      - sls: mattermost.deploy.notify

restore-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-restore
    - contents: {{ restore_program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - mattermost_database: backup-can-log-in-to-the-database

# until November 2026 a part of these programs stood beside them
backup-programs-have-no-part-beside-them:
  file.absent:
    - name: /usr/local/lib/mattermost/backup.sh
    - require:
      - file: backup-program-is-in-place
      - file: restore-program-is-in-place

restore-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-restore@.service
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost-restore@.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        postgresql: {{ mattermost.platform.postgresql.service }}.service
        settings: {{ mattermost.paths.settings }}

interrupted-restore-is-rolled-back-at-boot:
  file.managed:
    - name: /etc/systemd/system/mattermost-restore-back.service
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost-restore-back.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        postgresql: {{ mattermost.platform.postgresql.service }}.service
        settings: {{ mattermost.paths.settings }}
        work: {{ mattermost.paths.work }}
        state: {{ mattermost.paths.state }}

server-waits-for-the-rollback-of-a-restore:
  file.managed:
    - name: /etc/systemd/system/mattermost.service.d/restore.conf
    - source: salt://mattermost/deploy/backup/files/etc/systemd/system/mattermost.service.d/restore.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True
    - context:
        work: {{ mattermost.paths.work }}

rollback-of-a-restore-is-enabled:
  service.enabled:
    - name: mattermost-restore-back
    - require:
      - file: interrupted-restore-is-rolled-back-at-boot
      - file: restore-program-is-in-place
