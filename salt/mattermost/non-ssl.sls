# Deploy Mattermost over plain HTTP, for a trusted network. Not for a host behind a proxy that ends TLS: the server takes
# http://NAME for its address, and nginx does not pass on what such a proxy says of the client.
# Start: salt-run state.orchestrate mattermost.non-ssl
# Needs: a roster entry whose ID is the public name. Switches a host that was deployed with mattermost.ssl, and back.

preflight:
  mattermost_preflight.passed:
    - site: non-ssl

archive:
  mattermost_archive.available:
    - require:
      - mattermost_preflight: preflight

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - require:
      - mattermost_archive: archive

server:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server
    - require:
      - mattermost_stage: database

nginx-base:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-base
    - require:
      - mattermost_stage: server

firewall:
  mattermost_stage.applied:
    - apply: mattermost.deploy.firewall
    - require:
      - mattermost_stage: nginx-base

nginx-non-ssl:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-non-ssl
    - require:
      - mattermost_stage: firewall

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

record:
  mattermost_stage.applied:
    - apply: mattermost.deploy.record
    - require:
      - mattermost_stage: releases

verify:
  mattermost_verify.passed:
    - site: non-ssl
    - require:
      - mattermost_stage: record

report:
  mattermost_report.shown:
    - order: last
