# The returner that Salt ships reads mattermost:hook; here it is no setting, so nobody mistakes one for the other.
# expected: mattermost:hook is not a setting. Known names: acknowledged, additional_names, backup, batch, certificate, database, email, engine, firewall, hosts, kept, letsencrypt, mail, name, nginx, notify, paths, platform, preflight, push, release, release_sources, relenv, server, site, status, verify.
mattermost:
  hook: xyz
