# `mattermost` in a top file: the deploy states of a site, on a minion, masterless and over salt-ssh.
# It has no preflight and no verify, so it never upgrades, moves or restores: a host for which such a thing is due is left as it is.
# Start: salt HOST state.apply mattermost, salt-call --local state.apply mattermost, salt-ssh HOST state.apply mattermost
# Needs: mattermost:site; the order is that of the orchestration of the same name.
{% set mattermost = salt['mattermost_settings.get']() %}
{% import_yaml 'mattermost/' ~ mattermost.site ~ '.sls' as orchestration %}
{% import_yaml 'mattermost/bundle.yaml' as bundle %}
{% set states = orchestration | json_query('*."mattermost_stage.applied"[].apply') %}
# what the states include, beside mattermost.deploy.common
{% set included = [
  'alone', 'database.login', 'firewall.kind-firewalld', 'firewall.kind-none', 'letsencrypt.source-files', 'letsencrypt.source-letsencrypt',
  'letsencrypt.watch', 'notify', 'releases.patches', 'repositories.kind-apt', 'repositories.kind-none', 'repositories.kind-yum', 'server.account',
  'server.config', 'server.place', 'server.release', 'server.service', 'server.switch'] %}

include:
  {% for state in states %}
  - {{ state }}
  {% endfor %}

nothing-is-due-that-needs-an-orchestration:
  mattermost_site.needs_no_orchestration:
    - name: {{ mattermost.site }}
    - release: {{ mattermost.release | json }}
    - paths: {{ mattermost.paths | json }}
    - breaking_changes: {{ bundle.breaking_changes | json }}
    - acknowledged: {{ mattermost.acknowledged | json }}
    - order: first
    - require:
      - mattermost_run_lock: no-other-run-is-in-progress
    - require_in:
      {% for state in states %}
      - sls: {{ state }}
      {% endfor %}
      {% for state in included %}
      - sls: mattermost.deploy.{{ state }}
      {% endfor %}

# without failhard the states after a failed one are applied, and a host that lacks something of this version has not been deployed by it
extend:
  bundle-version-is-noted:
    mattermost_bundle:
      - require:
        {% for state in states if state != 'mattermost.deploy.record' %}
        - sls: {{ state }}
        {% endfor %}
