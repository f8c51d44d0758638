#!/bin/sh
[ -s /mattermost/config/config.json ] || cat /mattermost/default.json >/mattermost/config/config.json
exec "$@"
