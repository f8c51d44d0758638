# The server's settings: config.json, of which only the keys that our settings name, and the environment file with the secrets.
# Needs: the release unpacked, the service user. Before the server is started or switched to another version.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set server = mattermost.server %}

include:
  - mattermost.deploy.alone

server-config-holds-our-settings:
  mattermost_config.merged:
    - name: {{ mattermost.paths.state }}/config/config.json
    - paths: {{ mattermost.paths | json }}
    - user: {{ server.user }}
    - release: {{ mattermost.release | json }}
    - adopt: {{ server.adopt }}
    - environment: {{ server.environment | json }}
    - settings:
        name: {{ mattermost.name }}
        max_connections: {{ mattermost.database.max_connections }}
        server: {{ server | json }}
        paths: {{ mattermost.paths | json }}
        mail: {{ mattermost.mail | json }}
        push: {{ mattermost.push | json }}
    - require:
      - sls: mattermost.deploy.alone

server-reads-its-secrets-from-a-private-file:
  mattermost_environment.managed:
    - name: {{ mattermost.paths.settings }}/environment
    - paths: {{ mattermost.paths | json }}
    - release: {{ mattermost.release | json }}
    - database: {{ mattermost.database | json }}
    - socket_dir: {{ mattermost.platform.postgresql.socket_dir }}
    - server: {{ server | json }}
    - mail_password: {{ mattermost.mail.password | json }}
    - require:
      - mattermost_config: server-config-holds-our-settings
