# Move the server from one host of the roster to another: B is deployed and filled while A serves, then A stops, the rest is
# copied, B is started and proved. Until that is done any failure, a killed run too, has A serve again.
# Start: salt-run state.orchestrate mattermost.move pillar='{"move": {"from": "A", "to": "B"}}'
# Needs: A deployed by this tree (mattermost.ssl or .non-ssl: the site stays what it is), B in the roster; B may be bare.
# Afterwards it says what to change in DNS and settings.

from-host-is-named:
  mattermost_move.source_selected: []

from-host-is-fit:
  mattermost_preflight.passed:
    - site: ''
    - moving: True
    - leave_out: [breaking-changes, downgrade, edition, license, sign-in, upgrade-changes, user-limit]  # nothing is upgraded
    - require:
      - mattermost_move: from-host-is-named

to-host-is-named:
  mattermost_move.target_selected:
    - require:
      - mattermost_preflight: from-host-is-fit

to-host-is-fit:
  mattermost_preflight.passed:
    - site: ''
    - moving: True
    - leave_out:
        - breaking-changes
    - require:
      - mattermost_move: to-host-is-named

hosts-fit-each-other:
  mattermost_move.compatible:
    - require:
      - mattermost_preflight: to-host-is-fit

secrets-are-taken-over:
  mattermost_move.secrets_copied:
    - require:
      - mattermost_move: hosts-fit-each-other

archive:
  mattermost_archive.available:
    - require:
      - mattermost_move: secrets-are-taken-over

packages:
  mattermost_stage.applied:
    - apply: mattermost.deploy.packages
    - require:
      - mattermost_archive: archive

# before the server: it keeps the site closed while one comes to a host that had one
nginx-base:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-base
    - require:
      - mattermost_stage: packages

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - require:
      - mattermost_stage: nginx-base

server:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server
    - require:
      - mattermost_stage: database

firewall:
  mattermost_stage.applied:
    - apply: mattermost.deploy.firewall
    - require:
      - mattermost_stage: server

letsencrypt:
  mattermost_stage.applied:
    - apply: mattermost.deploy.letsencrypt
    - only_site: ssl
    - require:
      - mattermost_stage: firewall

nginx-ssl:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-ssl
    - only_site: ssl
    - require:
      - mattermost_stage: letsencrypt

nginx-non-ssl:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-non-ssl
    - only_site: non-ssl
    - require:
      - mattermost_stage: nginx-ssl

backup:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - require:
      - mattermost_stage: nginx-non-ssl

releases:
  mattermost_stage.applied:
    - apply: mattermost.deploy.releases
    - require:
      - mattermost_stage: backup

copied-ahead:
  mattermost_move.precopied:
    - require:
      - mattermost_stage: releases

moved:
  mattermost_move.moved:
    - require:
      - mattermost_move: copied-ahead

verify:
  mattermost_verify.passed:
    - site: ''
    - require:
      - mattermost_move: moved

report:
  mattermost_report.shown:
    - order: last
