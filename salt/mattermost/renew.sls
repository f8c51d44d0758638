# A new certificate with a new key now, taken by nginx without a lost request. For a key that may be known to others.
# Start: salt-run state.orchestrate mattermost.renew
# Needs: a host deployed by mattermost.ssl, with a certificate of an authority; your own files are replaced by a new pair of files.

preflight:
  mattermost_preflight.passed:
    - site: ssl
    - leave_out: [downgrade, edition, license, sign-in, upgrade-changes, user-limit]  # nothing is upgraded

letsencrypt:
  mattermost_stage.applied:
    - apply: mattermost.deploy.letsencrypt
    - pillar: {renew: True}
    - require:
      - mattermost_preflight: preflight

nginx-ssl:
  mattermost_stage.applied:
    - apply: mattermost.deploy.nginx-ssl
    - require:
      - mattermost_stage: letsencrypt

verify:
  mattermost_verify.passed:
    - site: ssl
    - require:
      - mattermost_stage: nginx-ssl

report:
  mattermost_report.shown:
    - order: last
