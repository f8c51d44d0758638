# Go back to the version before the last upgrade, with all that was written since: the newer version takes its migrations back.
# Start: salt-run state.orchestrate mattermost.rollback. Where something would be lost it says what and changes nothing; then, to do it,
#   salt-run state.orchestrate mattermost.rollback pillar='{"rollback": {"overwrite": true}}'
# With test=True it only says what it would do. With {"overwrite": true, "way": "copy"} it goes back to the database from before the upgrade.
# Needs: a host that was upgraded by mattermost.ssl or mattermost.non-ssl. What is replaced is kept aside on the host.

preflight:
  mattermost_preflight.passed:
    - site: ''
    # the settings may name the older version already, or still the newer one
    - leave_out: [breaking-changes, downgrade, edition, license, sign-in, upgrade-changes, user-limit]

# an earlier bundle did not make it
login-of-the-programs:
  mattermost_stage.applied:
    - apply: mattermost.deploy.database.login
    - require:
      - mattermost_preflight: preflight

switch-program:
  mattermost_stage.applied:
    - apply: mattermost.deploy.server.switch
    - require:
      - mattermost_stage: login-of-the-programs

older-version-serves:
  mattermost_rollback.rolled_back:
    - require:
      - mattermost_stage: switch-program

report:
  mattermost_report.shown:
    - order: last
