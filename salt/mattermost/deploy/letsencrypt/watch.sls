# The host looks at its certificate each day by itself, and tells somebody when it was not renewed. Included by init.sls.
{% set mattermost = salt['mattermost_settings.get']() %}
{% import_text 'mattermost/deploy/letsencrypt/files/usr/local/sbin/mattermost-certificate.jinja' as program %}
{% set certificate = mattermost.certificate %}

include:
  - mattermost.deploy.common
  - mattermost.deploy.notify

certificate-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-certificate
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

certificate-program-has-its-settings:
  file.managed:
    - name: {{ mattermost.paths.settings }}/certificate.conf
    - source: salt://mattermost/deploy/letsencrypt/files/etc/mattermost/certificate.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - context:
        values:
          name: {{ mattermost.name }}
          source: {{ certificate.source }}
          chain: {{ certificate.chain_file }}
          min_days: {{ certificate.min_days }}
          site: {{ mattermost.platform.nginx.site_dir }}/mattermost-ssl.conf
          work: {{ mattermost.paths.work }}
          timer: {{ mattermost.platform.certbot.timer }}
          service: {{ mattermost.platform.certbot.service }}
          log: {{ mattermost.platform.certbot.log }}

certificate-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-certificate.service
    - source: salt://mattermost/deploy/letsencrypt/files/etc/systemd/system/mattermost-certificate.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}

certificate-failure-is-reported:
  file.managed:
    - name: /etc/systemd/system/mattermost-certificate-failed.service
    - source: salt://mattermost/deploy/letsencrypt/files/etc/systemd/system/mattermost-certificate-failed.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}

certificate-is-looked-at-each-day:
  file.managed:
    - name: /etc/systemd/system/mattermost-certificate.timer
    - source: salt://mattermost/deploy/letsencrypt/files/etc/systemd/system/mattermost-certificate.timer
    - user: root
    - group: root
    - mode: '0644'

certificate-is-watched-where-wanted:
  service.{{ 'running' if certificate.watch else 'dead' }}:
    - name: mattermost-certificate.timer
    - enable: {{ certificate.watch }}
    - watch:
      - file: certificate-is-looked-at-each-day
    - require:
      - sls: mattermost.deploy.notify
      - file: certificate-program-is-in-place
      - file: certificate-program-has-its-settings
      - file: certificate-unit-is-in-place
      - file: certificate-failure-is-reported
