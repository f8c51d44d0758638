# The service user, what outlives a version, and the wanted release unpacked beside the others.
# Needs: mattermost.deploy.common.
{% set mattermost = salt['mattermost_settings.get']() %}

include:
  - .place

{% set paths = mattermost.paths %}
{% set user = mattermost.server.user %}
{% set selinux = mattermost.platform.selinux %}

server-runs-as-its-own-user:
  user.present:
    - name: {{ user }}
    - system: True
    - usergroup: True
    - shell: /usr/sbin/nologin
    - home: {{ paths.state }}
    - createhome: False

versions-belong-to-root:
  file.directory:
    - names:
        - {{ paths.install }}
        - {{ paths.state }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
        - mattermost_run_lock: no-previous-installation-is-in-the-way

settings-and-work-are-roots-alone:
  file.directory:
    - names:
        - {{ paths.settings }}
        - {{ paths.work }}
    - user: root
    - group: root
    - mode: '0700'

config-directory-is-readable-by-the-server:
  file.directory:
    - name: {{ paths.state }}/config
    - user: root
    - group: {{ user }}
    - mode: '0750'
    - require:
        - user: server-runs-as-its-own-user
        - file: versions-belong-to-root

server-writes-outside-its-release:
  file.directory:
    - names:
        - {{ paths.state }}/data
        - {{ paths.state }}/logs
        - {{ paths.state }}/plugins
        - {{ paths.state }}/client-plugins
    - user: {{ user }}
    - group: {{ user }}
    - mode: '0750'
    - require:
        - user: server-runs-as-its-own-user
        - file: versions-belong-to-root

rotated-logs-do-not-stay-for-ever:
  file.managed:
    - name: /etc/tmpfiles.d/mattermost-logs.conf
    - source: salt://mattermost/deploy/server/files/etc/tmpfiles.d/mattermost-logs.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True
    - context:
        state: {{ paths.state }}
        user: {{ user }}
        days: {{ mattermost.kept.log_days }}
    - require:
        - file: server-writes-outside-its-release

selinux-lets-the-server-start:
  mattermost_selinux.allowed:
    - labels:
        - path: {{ paths.install }}/
          pattern: {{ paths.install }}/[^/]+/bin(/.*)?
          type: bin_t
          usual: {{ '/opt' if selinux.enabled else '/' }}
    - tools: {{ selinux.tools }}

release-is-unpacked:
  mattermost_release.unpacked:
    - name: {{ paths.install }}
    - release: {{ mattermost.release | json }}
    - work: {{ paths.work }}
    - user: {{ user }}
    - path: {{ mattermost.server.path or '/' }}
    - ca_file: {{ mattermost.platform.ca_bundle }}
    - selinux: {{ selinux.enabled }}
    - gpgv: {{ mattermost.platform.gpgv }}
    - require:
        - mattermost_selinux: selinux-lets-the-server-start
        - user: server-runs-as-its-own-user
        - file: versions-belong-to-root
        - file: settings-and-work-are-roots-alone
