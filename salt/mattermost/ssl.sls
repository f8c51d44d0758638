# Deploy Mattermost with HTTPS: from a bare host to a verified server. Running it again changes nothing.
# Start: salt-run state.orchestrate mattermost.ssl
# Needs: a roster entry whose ID is the public name, and an e-mail address in pillar/mattermost.sls.
# Neighbouring stages share one run on the host; each keeps its name, its result and its gate.

preflight:
  mattermost_preflight.passed:
    - site: ssl

archive:
  mattermost_archive.available:
    - require:
      - mattermost_preflight: preflight

packages:
  mattermost_stage.applied:
    - apply: mattermost.deploy.packages
    - require:
      - mattermost_archive: archive

database:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database
    - require:
      - mattermost_stage: packages

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

letsencrypt:
  mattermost_stage.applied:
    - apply: mattermost.deploy.letsencrypt
    - require:
      - mattermost_stage: firewall

nginx-ssl:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-ssl
    - require:
      - mattermost_stage: letsencrypt

backup:
  mattermost_stage.applied:
    - apply: mattermost.deploy.backup
    - require:
      - mattermost_stage: nginx-ssl

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
    - site: ssl
    - require:
      - mattermost_stage: record

report:
  mattermost_report.shown:
    - order: last
