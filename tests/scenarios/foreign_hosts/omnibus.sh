# shellcheck shell=sh
# Shaped like Mattermost Omnibus on Debian: its paths, units and files, written by hand.
set -eu
cd /
systemctl -q enable --now postgresql
runuser -u postgres -- psql -qv ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE mmuser LOGIN PASSWORD 'Word-of-omnibus-1';
CREATE DATABASE mattermost OWNER mmuser;
SQL
tar -C /opt -xzf /root/archive.tar.gz
mkdir -p /var/opt/mattermost/data /var/log/mattermost /etc/mattermost
chown -R mattermost:mattermost /opt/mattermost /var/opt/mattermost/data /var/log/mattermost
cat >/etc/mattermost/mmomni.yml <<'YAML'
db_user: mmuser
db_password: Word-of-omnibus-1
fqdn: old.example.test
email: boss@example.test
https: false
data_directory: /var/opt/mattermost/data
enable_plugin_uploads: false
enable_local_mode: true
YAML
chmod 640 /etc/mattermost/mmomni.yml
cat >/etc/mattermost/mmomni.mattermost.env <<'ENV'
# generated
MM_INSTALL_TYPE=omnibus
MM_CONFIG=postgres://mmuser:Word-of-omnibus-1@localhost:5432/mattermost?sslmode=disable&connect_timeout=10
MM_SQLSETTINGS_DATASOURCE=postgres://mmuser:Word-of-omnibus-1@localhost:5432/mattermost?sslmode=disable&connect_timeout=10
MM_SERVICESETTINGS_SITEURL=http://old.example.test
MM_FILESETTINGS_DIRECTORY=/var/opt/mattermost/data
MM_PLUGINSETTINGS_ENABLEUPLOADS=false
MM_SERVICESETTINGS_ENABLELOCALMODE=true
MM_SERVICESETTINGS_LISTENADDRESS=":8065"
MM_SERVICESETTINGS_FORWARD80TO443=false
MM_LOGSETTINGS_FILELOCATION=/var/log/mattermost
ENV
cat >/lib/systemd/system/mattermost.service <<'UNIT'
[Unit]
Description=Mattermost
After=network.target
After=postgresql.service
Requires=postgresql.service
[Service]
Type=notify
ExecStart=/opt/mattermost/bin/mattermost
TimeoutStartSec=3600
Restart=always
RestartSec=10
WorkingDirectory=/opt/mattermost
User=mattermost
Group=mattermost
LimitNOFILE=49152
EnvironmentFile=/etc/mattermost/mmomni.mattermost.env
[Install]
WantedBy=postgresql.service
UNIT
rm -f /etc/nginx/sites-enabled/default
cat >/etc/nginx/conf.d/mattermost.conf <<'SITE'
server {
    listen 80;
    server_name old.example.test;
    client_max_body_size 50m;
    location / {
        proxy_pass http://127.0.0.1:8065;
        proxy_set_header Host $http_host;
        proxy_set_header X-Real-IP $remote_addr;
    }
}
SITE
systemctl daemon-reload
systemctl -q enable --now mattermost nginx
