# PostgreSQL on the loopback, with a role and a UTF-8 database for Mattermost; ends with the logins of the server and of its programs.
# Needs: nothing. Settings: database.*, server.user, server.adopt, platform.postgresql.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set database = mattermost.database %}

include:
  - mattermost.deploy.alone
  - mattermost.deploy.common
  - mattermost.deploy.database.login

postgresql-fits-the-release:
  mattermost_database.compatible:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - release: {{ mattermost.release | json }}
    - install: {{ mattermost.paths.install }}
    - port: {{ database.port }}
    - adopt: {{ mattermost.server.adopt }}
    - superuser_password: {{ database.superuser_password | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - work: {{ mattermost.paths.work }}
    - require:
      - sls: mattermost.deploy.common
      - sls: mattermost.deploy.alone
    - require_in:
      - user: database-programs-have-an-account

# The same account as the server's own; here so that the login can be proved before there is a server.
database-client-account-exists:
  user.present:
    - name: {{ mattermost.server.user }}
    - system: True
    - usergroup: True
    - shell: /usr/sbin/nologin
    - home: {{ mattermost.paths.state }}
    - createhome: False
    - require:
      - mattermost_database: postgresql-fits-the-release

postgresql-is-installed:
  pkg.installed:
    - pkgs: {{ mattermost.platform.postgresql.packages | json }}
    - install_recommends: False
    - require:
      - mattermost_database: postgresql-fits-the-release

postgresql-accepts-local-connections-only:
  mattermost_database.cluster_runs:
    - name: {{ mattermost.platform.postgresql.service }}
    - port: {{ database.port }}
    - max_connections: {{ database.max_connections }}
    - tune: {{ database.tune }}
    - settings: {{ database.settings | json }}
    - superuser_password: {{ database.superuser_password | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - pkg: postgresql-is-installed

database-belongs-to-its-role:
  mattermost_database.present:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - auth: {{ database.auth }}
    - secrets: {{ mattermost.paths.settings }}/secrets
    - password: {{ database.password | json }}
    - superuser_password: {{ database.superuser_password | json }}
    - adopt: {{ mattermost.server.adopt }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - mattermost_database: postgresql-accepts-local-connections-only
    - require_in:
      - mattermost_database: database-lets-the-server-and-its-programs-in

database-login-works:
  mattermost_database.login_works:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - auth: {{ database.auth }}
    - port: {{ database.port }}
    - os_user: {{ mattermost.server.user }}
    - secrets: {{ mattermost.paths.settings }}/secrets
    - password: {{ database.password | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - user: database-client-account-exists
      - mattermost_database: database-lets-the-server-and-its-programs-in
