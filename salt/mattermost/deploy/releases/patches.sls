# With mattermost:release:unattended: patches, the host goes to the newest patch of its line by itself, in a window. Off by default: the
# program is there and refuses, and its timer is off.
# Needs: mattermost.deploy.server for its programs and settings. Settings: release.unattended, release.window.*, notify.*.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set release = mattermost.release %}
{% set paths = mattermost.paths %}
{% import_text 'mattermost/deploy/releases/files/usr/local/sbin/mattermost-patches.jinja' as program %}
{% import_yaml 'mattermost/releases.yaml' as table %}
{% set wanted = release.unattended == 'patches' %}

include:
  - mattermost.deploy.common
  - mattermost.deploy.notify

signatures-can-be-checked:
  pkg.installed:
    - pkgs: {{ ([mattermost.platform.gpgv] if wanted else []) | json }}
    - install_recommends: False
    - require:
      - sls: mattermost.deploy.common

patches-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-patches
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - sls: mattermost.deploy.common

patches-program-has-its-settings:
  file.managed:
    - name: {{ paths.settings }}/patches.conf
    - source: salt://mattermost/deploy/releases/files/etc/mattermost/patches.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - context:
        values:
          unattended: {{ release.unattended }}
          seconds: {{ release.window.minutes * 45 }}
          arch: {{ release.arch }}
          sums: {{ paths.settings }}/patches-sums
          source: {{ (release.addresses.source if wanted else '-') | json }}
          signature: {{ (release.addresses.signature if wanted else '-') | json }}
          vendor_key: {{ release.key | json }}
          key_fingerprint: {{ release.key_fingerprint }}
          user: {{ mattermost.server.user }}
          path: {{ mattermost.server.path or '/' }}
          selinux: {{ 'yes' if mattermost.platform.selinux.enabled else 'no' }}
          ca_file: {{ mattermost.platform.ca_bundle }}

sums-that-this-bundle-knows-are-in-place:
  file.managed:
    - name: {{ paths.settings }}/patches-sums
    - source: salt://mattermost/deploy/releases/files/etc/mattermost/patches-sums.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - show_changes: False
    - context:
        sums: {{ (table.enterprise if release.edition == 'enterprise' else table)[release.arch] | json }}
    - require:
      - file: patches-program-has-its-settings

patches-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost-patches.service
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-patches.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ paths.settings }}
        install: {{ paths.install }}
        work: {{ paths.work }}
        selinux: {{ mattermost.platform.selinux.enabled | json }}

end-of-patches-is-reported:
  file.managed:
    - name: /etc/systemd/system/mattermost-patches-tell.service
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-patches-tell.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ paths.settings }}

patches-have-their-window:
  file.managed:
    - name: /etc/systemd/system/mattermost-patches.timer
    - source: salt://mattermost/deploy/releases/files/etc/systemd/system/mattermost-patches.timer.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        begins: {{ release.window.begins | json }}
        delay: {{ release.window.minutes * 15 }}

patches-come-unattended-where-wanted:
  service.{{ 'running' if wanted else 'dead' }}:
    - name: mattermost-patches.timer
    - enable: {{ wanted }}
    - watch:
      - file: patches-have-their-window
    - require:
      - pkg: signatures-can-be-checked
      - file: patches-program-is-in-place
      - file: patches-program-has-its-settings
      - file: sums-that-this-bundle-knows-are-in-place
      - file: patches-unit-is-in-place
      - file: end-of-patches-is-reported
      - sls: mattermost.deploy.notify
