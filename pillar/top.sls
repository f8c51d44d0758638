# What a user sets stands in pillar/mattermost.sls, which git ignores; a clone without it renders with the defaults.
# ignore_missing is an entry of the target's list; a top-level key of that name has no effect (Salt 3008.2).
base:
  '*':
    - ignore_missing: True
    - mattermost
