# Who may log in to the server's database: the server, and the account of backups, upgrades and restores, whose login is proved.
# Needs: PostgreSQL at work with that database, as mattermost.deploy.database makes it. Changes nothing else of PostgreSQL.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set database = mattermost.database %}

include:
  - mattermost.deploy.common

# Backups, upgrades and restores read the server's database with this account: neither the server's own nor PostgreSQL's.
database-programs-have-an-account:
  user.present:
    - name: mattermost-sql
    - system: True
    - usergroup: True
    - shell: /usr/sbin/nologin
    - home: /nonexistent
    - createhome: False
    - require:
      - sls: mattermost.deploy.common

database-lets-the-server-and-its-programs-in:
  mattermost_database.access_granted:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - auth: {{ database.auth }}
    - os_user: {{ mattermost.server.user }}
    - superuser_password: {{ database.superuser_password | json }}
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - user: database-programs-have-an-account

database-login-of-the-programs-works:
  mattermost_database.login_works:
    - name: {{ database.name }}
    - role: {{ database.user }}
    - auth: peer
    - port: {{ database.port }}
    - os_user: mattermost-sql
    - secrets: {{ mattermost.paths.settings }}/secrets
    - cluster: {{ mattermost.platform.postgresql | json }}
    - require:
      - mattermost_database: database-lets-the-server-and-its-programs-in
