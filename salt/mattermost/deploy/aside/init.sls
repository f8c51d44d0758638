# Ahead of an import into the host that the source is on: the program that sets the installation of before aside and puts it back, at boot
# too, and the release beside the place that it will have. Changes nothing of the installation.
# Needs: mattermost.deploy.packages. For mattermost.import alone.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set paths = mattermost.paths %}
{% set database = mattermost.database %}

{% import_text 'mattermost/deploy/aside/files/usr/local/sbin/mattermost-aside.jinja' as program %}

include:
  - mattermost.deploy.common

# what would stop mattermost.deploy.database, while the old server still serves
new-database-is-not-the-previous-one:
  mattermost_database.compatible:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - release: {{ mattermost.release | json }}
    - install: {{ paths.install }}
    - port: {{ database.port }}
    - superuser_password: {{ database.superuser_password | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - sls: mattermost.deploy.common

aside-work-is-roots-alone:
  file.directory:
    - name: {{ paths.work }}/aside
    - user: root
    - group: root
    - mode: '0700'
    - makedirs: True
    - require:
      - mattermost_database: new-database-is-not-the-previous-one

aside-program-is-in-place:
  file.managed:
    - name: /usr/local/sbin/mattermost-aside
    - contents: {{ program | json }}
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - file: aside-work-is-roots-alone

aside-program-has-its-settings:
  file.managed:
    - name: {{ paths.settings }}/aside.conf
    - source: salt://mattermost/deploy/aside/files/etc/mattermost/aside.conf.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: True
    - dir_mode: '0700'
    - context:
        values:
          install: {{ paths.install }}
          work: {{ paths.work }}
          user: {{ mattermost.server.user }}
          service: mattermost.service
          port: {{ mattermost.server.port }}
          site_closed: {{ mattermost.platform.nginx.snippet_dir }}/closed
    - require:
      - file: aside-work-is-roots-alone

interrupted-import-is-rolled-back-at-boot:
  file.managed:
    - name: /etc/systemd/system/mattermost-aside.service
    - source: salt://mattermost/deploy/aside/files/etc/systemd/system/mattermost-aside.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - context:
        settings: {{ paths.settings }}
        work: {{ paths.work }}
    - require:
      - file: aside-work-is-roots-alone

rollback-of-an-import-is-enabled:
  service.enabled:
    - name: mattermost-aside
    - require:
      - file: interrupted-import-is-rolled-back-at-boot
      - file: aside-program-is-in-place
      - file: aside-program-has-its-settings

place-to-wait-is-there:
  file.directory:
    - name: {{ paths.install }}.coming
    - user: root
    - group: root
    - mode: '0755'
    - require:
      - file: aside-work-is-roots-alone

# nobody: the service's own account may not be there yet
release-waits-beside-its-place:
  mattermost_release.unpacked:
    - name: {{ paths.install }}.coming
    - release: {{ mattermost.release | json }}
    - work: {{ paths.work }}
    - user: nobody
    - ca_file: {{ mattermost.platform.ca_bundle }}
    - selinux: {{ mattermost.platform.selinux.enabled }}
    - require:
      - file: place-to-wait-is-there
