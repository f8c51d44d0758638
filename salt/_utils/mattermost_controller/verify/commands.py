"""The commands that a finding of a verification tells people to run."""

DEPLOY = "salt-run state.orchestrate mattermost.{site}"  # {site}: filled in by `checks.run`
VERIFY = "salt-run state.orchestrate mattermost.verify"
BACKUP = "salt-run state.orchestrate mattermost.backup"
LOGS = "journalctl -u mattermost -n 50"
NGINX_LOGS = "nginx -t; journalctl -u nginx -n 50"
SERVER_BLOCKS = "Find it on the host: nginx -T | grep -E '# configuration|server_name|ssl_protocols'"
