# The program by which this host tells somebody what went wrong on it. Included by the components that have something to tell.
# Settings: notify.*, mail.*.
{% set mattermost = salt['mattermost_settings.get']() %}
{% import_text 'mattermost/deploy/notify/files/usr/local/sbin/mattermost-tell.jinja' as program %}

include:
  - mattermost.deploy.common

notify-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-tell
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

notify-has-its-settings:
  file.managed:
    - name: {{ mattermost.paths.settings }}/notify.conf
    - source: salt://mattermost/deploy/notify/files/etc/mattermost/notify.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - show_changes: False
    - context:
        values:
          webhook: {{ mattermost.notify.webhook | json }}
          mail_to: {{ mattermost.notify.mail | json }}
          mail_from: {{ mattermost.mail.from_address | json }}
          smtp_server: {{ mattermost.mail.server | json }}
          smtp_port: {{ mattermost.mail.port }}
          smtp_security: {{ mattermost.mail.security }}
          smtp_user: {{ mattermost.mail.username | json }}
          smtp_password: {{ mattermost.mail.password | json }}
          smtp_insecure: {{ mattermost.mail.skip_certificate_check }}
          ca_file: {{ mattermost.platform.ca_bundle }}
