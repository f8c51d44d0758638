# The host looks each day by itself whether a security patch of Mattermost is missing or its line is past its support, and tells somebody.
# Needs: nothing; without an installed release it tells only how the sources are. Settings: release_sources.*, notify.*.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set sources = mattermost.release_sources %}
{% import_text 'mattermost/deploy/releases/files/usr/local/sbin/mattermost-releases.jinja' as program %}
{% import_yaml 'mattermost/releases.yaml' as table %}

include:
  - mattermost.deploy.common
  - mattermost.deploy.notify
  - .patches

releases-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-releases
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

releases-program-has-its-settings:
  file.managed:
    - name: {{ mattermost.paths.settings }}/releases.conf
    - source: salt://mattermost/deploy/releases/files/etc/mattermost/releases.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - context:
        values:
          install: {{ mattermost.paths.install }}
          cache: {{ mattermost.paths.work }}/releases
          table: {{ mattermost.paths.settings }}/releases-known.conf
          page: {{ sources.page | json }}
          list: {{ sources.list | json }}
          advisories: {{ sources.advisories | json }}
          support: {{ sources.support | json }}
          ca_file: {{ mattermost.platform.ca_bundle }}

releases-that-this-bundle-knows-are-in-place:
  file.managed:
    - name: {{ mattermost.paths.settings }}/releases-known.conf
    - source: salt://mattermost/deploy/releases/files/etc/mattermost/releases-known.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        table: {{ {'date': table.date, 'lines': table.lines} | json }}
    - require:
      - file: releases-program-has-its-settings

releases-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-releases.service
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-releases.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}

releases-failure-is-reported:
  file.managed:
    - name: /etc/systemd/system/mattermost-releases-failed.service
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-releases-failed.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ mattermost.paths.settings }}

releases-are-looked-at-each-day:
  file.managed:
    - name: /etc/systemd/system/mattermost-releases.timer
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-releases.timer
    - user: root
    - group: root
    - mode: '0644'

releases-are-watched:
  service.running:
    - name: mattermost-releases.timer
    - enable: True
    - watch:
      - file: releases-are-looked-at-each-day
    - require:
      - sls: mattermost.deploy.notify
      - file: releases-program-is-in-place
      - file: releases-that-this-bundle-knows-are-in-place
      - file: releases-unit-is-in-place
      - file: releases-failure-is-reported
