# What every component starts with: one run at a time on the host, repositories, and the tools that the others use.
# Needs: nothing. Included by each component, so that each works alone.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set repositories = 'mattermost.deploy.repositories.kind-' ~ mattermost.platform.repositories.kind %}

include:
  - {{ repositories }}

no-other-run-is-in-progress:
  mattermost_run_lock.acquired:
    - order: first

# For mattermost.remove: what was there before stays, what we brought goes.
host-is-noted-before-it-is-changed:
  mattermost_baseline.recorded:
    - platform: {{ mattermost.platform | json }}
    - paths: {{ mattermost.paths | json }}
    - bundle: {{ mattermost.bundle | json }}
    - order: 1
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress

tools-are-installed:
  pkg.installed:
    - pkgs: {{ mattermost.platform.packages | json }}
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress
      - sls: {{ repositories }}

# Distributions sweep old files out of /var/tmp: Salt would not notice that half of it is gone.
salt-is-not-swept-away-between-runs:
  file.managed:
    - name: /etc/tmpfiles.d/mattermost-salt.conf
    - contents:
      - '# Managed by Salt (mattermost.deploy.common).'
      - x /var/tmp/.*_salt*
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: True
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress
