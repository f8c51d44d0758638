# shellcheck shell=sh
# By hand from the archive, as tests/scenarios/by_hand.py does, but with the settings in the database.
set -eu
cd /
systemctl -q enable --now postgresql
runuser -u postgres -- psql -qv ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE mmuser LOGIN PASSWORD 'p@ss/word of:database';
CREATE DATABASE chat OWNER mmuser ENCODING 'UTF8' TEMPLATE template0;
SQL
tar -C /opt -xzf /root/archive.tar.gz
mkdir -p /srv/chat/files
chown -R mattermost:mattermost /opt/mattermost /srv/chat
# left behind by who moved the settings to the database: the server does not look at it
sed -i 's/"SiteName": "[^"]*"/"SiteName": "Of long ago"/' /opt/mattermost/config/config.json
umask 077
echo 'MM_CONFIG="postgres://mmuser:p%40ss%2Fword%20of%3Adatabase@localhost:5432/chat?sslmode=disable&connect_timeout=10"' >/etc/mattermost.env
umask 022
cat >/etc/systemd/system/mattermost.service <<'UNIT'
[Unit]
After=postgresql.service
[Service]
Type=notify
ExecStart=/opt/mattermost/bin/mattermost
WorkingDirectory=/opt/mattermost
User=mattermost
EnvironmentFile=/etc/mattermost.env
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl -q enable --now mattermost
