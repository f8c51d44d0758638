# The service, the server running in the wanted version, and what earlier ones left, as long as the settings keep it.
# Needs: mattermost.deploy.server.release, .config, and a database that takes the server's login.
{% set mattermost = salt['mattermost_settings.get']() %}

include:
  - .place
  - .switch

{% set paths = mattermost.paths %}
{% set postgresql = mattermost.platform.postgresql %}

server-unit-is-in-place:
  file.managed:
    - name: /etc/systemd/system/mattermost.service
    - source: salt://mattermost/deploy/server/files/etc/systemd/system/mattermost.service.jinja
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - require:
        - mattermost_run_lock: no-previous-installation-is-in-the-way
    - context:
        user: {{ mattermost.server.user }}
        install: {{ paths.install }}
        state: {{ paths.state }}
        settings: {{ paths.settings }}
        work: {{ paths.work }}
        runtime: {{ paths.run | replace('/run/', '', 1) }}
        postgresql: {{ postgresql.service }}.service
        sandbox: {{ mattermost.platform.sandbox | json }}
        read_write_paths: {{ mattermost.platform.read_write_paths }}
        writable:
          - {{ paths.state }}/config
          - {{ paths.state }}/data
          - {{ paths.state }}/logs
          - {{ paths.state }}/plugins
          - {{ paths.state }}/client-plugins

server-runs-the-wanted-version:
  mattermost_service.running:
    - name: mattermost
    - release: {{ mattermost.release | json }}
    - paths: {{ paths | json }}
    - ignore: {{ mattermost.preflight.ignore | json }}
    - require:
        - mattermost_run_lock: no-previous-installation-is-in-the-way
        - file: switch-program-is-in-place
        - file: switch-program-has-its-settings
        - file: switch-unit-is-in-place
        - file: server-unit-is-in-place

what-earlier-versions-left-is-pruned:
  mattermost_retention.pruned:
    - name: {{ paths.work }}/switch
    - require:
        - mattermost_service: server-runs-the-wanted-version
