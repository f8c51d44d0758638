#!/bin/sh
# Mattermost by hand: what a careful administrator types into a bare Debian 12 host, written down as one straight script.
# The benchmark runs it over ssh, as root, on standard input, against the same packages, archive and certificate authority
# that the bundle gets. It can be run again: what is there stays, nothing is restarted that need not be.
#
# Wanted in the environment: NAME (public name), EMAIL, ARCHIVE_URL, ARCHIVE_SHA256, VERSION, ACME_DIRECTORY, ACME_ROOT
# (PEM of the authority's own HTTPS, empty for a public one), and MORE_PACKAGES (what else to install, may be empty).
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# -- packages: one call for all of them ------------------------------------------------------------------------------
packages="ca-certificates curl openssl xz-utils postgresql-15 nginx certbot firewalld $MORE_PACKAGES"
# shellcheck disable=SC2086 # a list of words
if ! dpkg -s $packages >/dev/null 2>&1; then
    apt-get -q update
    apt-get -q -y install --no-install-recommends $packages
fi

# -- database: a role that logs in over the socket as the service user, and its UTF-8 database -------------------------
id mattermost >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /var/opt/mattermost --shell /usr/sbin/nologin mattermost
systemctl is-active -q postgresql@15-main || systemctl start postgresql@15-main
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
cd /
[ "$(sql -c "select 1 from pg_roles where rolname = 'mattermost'")" = 1 ] || sql -c 'create role mattermost login'
[ "$(sql -c "select 1 from pg_database where datname = 'mattermost'")" = 1 ] ||
    sql -c "create database mattermost owner mattermost template template0 encoding 'UTF8' locale 'C.UTF-8'"
if ! grep -q '^# mattermost: ' /etc/postgresql/15/main/pg_hba.conf; then
    hba=$(mktemp)
    printf '# mattermost: the server over the local socket, nobody over the network\nlocal mattermost mattermost peer\nhost mattermost all all reject\n' >"$hba"
    cat /etc/postgresql/15/main/pg_hba.conf >>"$hba"
    cat "$hba" >/etc/postgresql/15/main/pg_hba.conf
    rm "$hba"
    systemctl reload postgresql@15-main
fi
runuser -u mattermost -- psql -XAtqc 'select 1' mattermost >/dev/null

# -- server: the release beside others, what outlives it outside ---------------------------------------------------------
state=/var/opt/mattermost
install -d -m 0755 /opt/mattermost $state
install -d -m 0700 /etc/mattermost
install -d -m 0750 -o root -g mattermost $state/config
for part in data logs plugins client-plugins; do
    install -d -m 0750 -o mattermost -g mattermost $state/$part
done
if [ ! -d "/opt/mattermost/$VERSION" ]; then
    archive=/opt/mattermost/.download
    curl -fsS --retry 3 -o "$archive" "$ARCHIVE_URL"
    echo "$ARCHIVE_SHA256  $archive" | sha256sum -c --quiet
    mkdir -p /opt/mattermost/.unpack
    tar -xzf "$archive" -C /opt/mattermost/.unpack --no-same-owner
    mv /opt/mattermost/.unpack/mattermost "/opt/mattermost/$VERSION"
    rm -r "$archive" /opt/mattermost/.unpack
fi
ln -sfn "$VERSION" /opt/mattermost/current
[ -e $state/config/config.json ] ||
    install -m 0600 -o mattermost -g mattermost "/opt/mattermost/$VERSION/config/config.json" $state/config/config.json
cat >/etc/mattermost/environment.new <<EOF
MM_SERVICESETTINGS_SITEURL=https://$NAME
MM_SERVICESETTINGS_LISTENADDRESS=127.0.0.1:8065
MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER=X-Real-IP
MM_SERVICESETTINGS_ENABLELOCALMODE=true
MM_SERVICESETTINGS_LOCALMODESOCKETLOCATION=/run/mattermost/local.socket
MM_TEAMSETTINGS_ENABLEUSERCREATION=true
MM_SQLSETTINGS_DRIVERNAME=postgres
MM_SQLSETTINGS_DATASOURCE=postgres:///mattermost?host=/var/run/postgresql&user=mattermost
MM_SQLSETTINGS_MAXOPENCONNS=80
MM_FILESETTINGS_DIRECTORY=$state/data/
MM_LOGSETTINGS_FILELOCATION=$state/logs
MM_PLUGINSETTINGS_DIRECTORY=$state/plugins
MM_PLUGINSETTINGS_CLIENTDIRECTORY=$state/client-plugins
EOF
chmod 0600 /etc/mattermost/environment.new
cat >/etc/systemd/system/mattermost.service.new <<EOF
[Unit]
Description=Mattermost
Wants=postgresql@15-main.service
After=network.target postgresql@15-main.service

[Service]
Type=notify
User=mattermost
Group=mattermost
WorkingDirectory=/opt/mattermost/current
ExecStart=/opt/mattermost/current/bin/mattermost
Environment=MM_CONFIG=$state/config/config.json MM_LOG_PATH=$state/logs
EnvironmentFile=/etc/mattermost/environment
RuntimeDirectory=mattermost
RuntimeDirectoryMode=0750
UMask=0027
LimitNOFILE=49152
TimeoutStartSec=600
TimeoutStopSec=90
KillMode=mixed
Restart=always
RestartSec=10
NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
LockPersonality=yes
SystemCallFilter=@system-service
ReadWritePaths=$state/config $state/data $state/logs $state/plugins $state/client-plugins

[Install]
WantedBy=multi-user.target
EOF
changed=
for file in /etc/mattermost/environment /etc/systemd/system/mattermost.service; do
    if cmp -s $file.new $file; then
        rm $file.new
    else
        mv $file.new $file
        changed=yes
    fi
done
if [ "$changed" ]; then
    systemctl daemon-reload
    systemctl enable -q mattermost
    systemctl restart mattermost
else
    systemctl start mattermost
fi
tries=0
until curl -fsS -o /dev/null 'http://127.0.0.1:8065/api/v4/system/ping?get_server_status=true' 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 240 ] || { echo 'The server does not come up: journalctl -u mattermost' >&2; exit 1; }
    sleep 0.5
done

# -- the first account rules the server: made here, before the site is open ----------------------------------------------
if [ ! -e /etc/mattermost/first-admin-login ]; then
    password=$(openssl rand -base64 24)Aa1.
    api() { curl -fsS --unix-socket /run/mattermost/local.socket -H 'Content-Type: application/json' "$@"; }
    printf '{"email":"%s","username":"admin","password":"%s"}' "$EMAIL" "$password" |
        api -X POST -d @- http://localhost/api/v4/users >/dev/null
    (umask 077 && printf 'username: admin\npassword: %s\n' "$password" >/etc/mattermost/first-admin-login)
fi

# -- firewall -------------------------------------------------------------------------------------------------------------
systemctl is-active -q firewalld || systemctl start firewalld
for service in ssh http https; do
    firewall-cmd -q --query-service=$service 2>/dev/null || {
        firewall-cmd -q --add-service=$service
        firewall-cmd -q --permanent --add-service=$service
    }
done

# -- nginx on port 80: the authority's challenge ----------------------------------------------------------------------------
install -d /var/www/letsencrypt/.well-known/acme-challenge
site() { # PATH, content on standard input; says by its status whether it changed something
    cat >"$1.new"
    if cmp -s "$1.new" "$1"; then
        rm "$1.new"
        return 1
    fi
    mv "$1.new" "$1"
}
reload=
rm -f /etc/nginx/sites-enabled/default
site /etc/nginx/conf.d/mattermost-base.conf <<EOF && reload=yes
upstream mattermost_server { server 127.0.0.1:8065; keepalive 32; }
map \$http_upgrade \$mattermost_connection { default ""; ~*^websocket\$ upgrade; }
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_tokens off;
    location ^~ /.well-known/acme-challenge/ { root /var/www/letsencrypt; }
    location / { return 301 https://\$host\$request_uri; }
}
EOF
systemctl is-active -q nginx || systemctl start nginx
if [ "$reload" ]; then
    nginx -q -t
    systemctl reload nginx
fi

# -- certificate ------------------------------------------------------------------------------------------------------------
install -d -m 0755 /etc/letsencrypt/renewal-hooks/deploy
printf '#!/bin/sh\nsystemctl reload nginx\n' >/etc/letsencrypt/renewal-hooks/deploy/nginx
chmod 0755 /etc/letsencrypt/renewal-hooks/deploy/nginx
if [ -n "$ACME_ROOT" ]; then
    printf '%s\n' "$ACME_ROOT" >/etc/letsencrypt/authority.pem
    export REQUESTS_CA_BUNDLE=/etc/letsencrypt/authority.pem
fi
[ -e "/etc/letsencrypt/live/$NAME/fullchain.pem" ] ||
    certbot certonly -q --non-interactive --agree-tos --webroot -w /var/www/letsencrypt -d "$NAME" -m "$EMAIL" \
        --server "$ACME_DIRECTORY" --key-type ecdsa
systemctl is-active -q certbot.timer || systemctl start certbot.timer

# -- the site -----------------------------------------------------------------------------------------------------------------
reload=
site /etc/nginx/conf.d/mattermost-ssl.conf <<EOF && reload=yes
server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    server_name $NAME;
    server_tokens off;
    ssl_certificate /etc/letsencrypt/live/$NAME/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/$NAME/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:mattermost:10m;
    ssl_session_timeout 1d;
    add_header Strict-Transport-Security "max-age=63072000" always;
    add_header X-Content-Type-Options nosniff always;
    add_header Referrer-Policy no-referrer always;
    client_max_body_size 101m;
    proxy_http_version 1.1;
    proxy_set_header Host \$host;
    proxy_set_header X-Real-IP \$remote_addr;
    proxy_set_header X-Forwarded-For \$remote_addr;
    proxy_set_header X-Forwarded-Proto \$scheme;
    proxy_set_header Upgrade \$http_upgrade;
    proxy_set_header Connection \$mattermost_connection;
    proxy_read_timeout 600s;
    proxy_buffers 256 16k;
    proxy_buffer_size 16k;
    location / { proxy_pass http://mattermost_server; }
}
EOF
if [ "$reload" ]; then
    nginx -q -t
    systemctl reload nginx
fi
