# The source of the PostgreSQL that the distribution lacks. Included by common.sls when the settings name such a major.
# A later run without it leaves the source: what came from there needs its updates.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set repositories = mattermost.platform.repositories %}

repository-of-postgresql-is-known:
  mattermost_repositories.apt_source:
    - name: mattermost-postgresql
    - uri: {{ repositories.apt.uri }}
    - suite: {{ repositories.apt.suite }}
    - components: {{ repositories.apt.components }}
    - key: {{ repositories.apt.key }}
    - keys: {{ repositories['keys'] | json }}
    - ca_file: {{ mattermost.platform.ca_bundle }}
