# Take the deployment off the host: what was there before stays or comes back, what we brought goes, the data stay unless the
# host's public name is given (pillar='{"remove": {"purge": "chat.example.com"}}'). Each step can be repeated.
# Needs: nothing; a host without a deployment has nothing to change.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set paths = mattermost.paths %}
{% set platform = mattermost.platform %}
{% set database = mattermost.database %}
{% set purge = mattermost.remove.purge | default('', true) != '' %}

removal-is-alone:
  mattermost_run_lock.acquired:
    - order: first

removal-is-meant:
  mattermost_remove.confirmed:
    - request: {{ mattermost.remove | json }}
    - public_name: {{ mattermost.name }}
    - paths: {{ paths | json }}
    - repository: {{ mattermost.backup.repository | json }}
    - cluster: {{ platform.postgresql | json }}
    - database_name: {{ database.name }}
    - role: {{ database.user }}
    - superuser_password: {{ database.superuser_password | json }}
    - require:
      - mattermost_run_lock: removal-is-alone

server-and-timers-are-stopped:
  mattermost_remove.stopped:
    - require:
      - mattermost_remove: removal-is-meant

site-is-taken-out-of-nginx:
  mattermost_remove.site:
    - nginx: {{ platform.nginx | json }}
    - paths: {{ paths | json }}
    - require:
      - mattermost_remove: server-and-timers-are-stopped

certificate-is-renewed-no-more:
  mattermost_remove.certificate:
    - public_name: {{ mattermost.name }}
    - certbot: {{ platform.certbot | json }}
    - purge: {{ purge }}
    - paths: {{ paths | json }}
    - require:
      - mattermost_remove: site-is-taken-out-of-nginx

firewall-lets-in-what-it-did-before:
  mattermost_remove.firewall:
    - strict: {{ mattermost.firewall.strict }}
    - ports: {{ mattermost.firewall.ports | json }}
    - paths: {{ paths | json }}
    - require:
      - mattermost_remove: certificate-is-renewed-no-more

# not before nginx has agreed to go on without the site, and before the programs that read the backups go
backups-stay-or-go-with-the-data:
  mattermost_remove.backups:
    - repository: {{ mattermost.backup.repository | json }}
    - public_name: {{ mattermost.name }}
    - purge: {{ purge }}
    - require:
      - mattermost_remove: firewall-lets-in-what-it-did-before

units-and-programs-are-gone:
  mattermost_remove.programs:
    - fetched: {{ platform.backup.program.path }}
    - require:
      - mattermost_remove: backups-stay-or-go-with-the-data

database-is-left-alone-or-destroyed:
  mattermost_baseline_restore.database:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - cluster: {{ platform.postgresql | json }}
    - paths: {{ paths | json }}
    - purge: {{ purge }}
    - superuser_password: {{ database.superuser_password | json }}
    - require:
      - mattermost_remove: units-and-programs-are-gone

selinux-is-as-before:
  mattermost_selinux.as_before:
    - paths: {{ paths | json }}
    - labels:
        - pattern: {{ paths.webroot }}(/.*)?
          type: httpd_sys_content_t
        - pattern: {{ paths.install }}/[^/]+/bin(/.*)?
          type: bin_t
    - require:
      - mattermost_baseline_restore: database-is-left-alone-or-destroyed

packages-are-as-before:
  mattermost_baseline_restore.packages:
    - platform: {{ platform | json }}
    - paths: {{ paths | json }}
    - purge: {{ purge }}
    - public_name: {{ mattermost.name }}
    - database_name: {{ database.name }}
    - role: {{ database.user }}
    - superuser_password: {{ database.superuser_password | json }}
    - require:
      - mattermost_selinux: selinux-is-as-before

system-is-set-as-before:
  mattermost_baseline_restore.system:
    - platform: {{ platform | json }}
    - paths: {{ paths | json }}
    - require:
      - mattermost_baseline_restore: packages-are-as-before

files-stay-or-go-with-the-data:
  mattermost_uninstall.files:
    - paths: {{ paths | json }}
    - purge: {{ purge }}
    - repository: {{ mattermost.backup.repository | json }}
    - password_given: {{ mattermost.backup.password != '' }}
    - require:
      - mattermost_baseline_restore: system-is-set-as-before

accounts-are-as-before:
  mattermost_uninstall.accounts:
    - user: {{ mattermost.server.user }}
    - paths: {{ paths | json }}
    - purge: {{ purge }}
    - others: {{ platform.accounts | json }}
    - require:
      - mattermost_uninstall: files-stay-or-go-with-the-data

removal-is-noted:
  mattermost_uninstall.recorded:
    - platform: {{ platform | json }}
    - paths: {{ paths | json }}
    - purge: {{ purge }}
    - public_name: {{ mattermost.name }}
    - database_name: {{ database.name }}
    - data_dir: {{ platform.postgresql.data_dir }}
    - repository: {{ mattermost.backup.repository | json }}
    - password_given: {{ mattermost.backup.password != '' }}
    - certificates: {{ platform.certbot.directory }}
    - require:
      - mattermost_uninstall: accounts-are-as-before
