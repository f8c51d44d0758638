# shellcheck shell=sh
# Shaped like the Mattermost of GitLab's package: its paths, its PostgreSQL and its runit, written by hand.
set -eu
cd /
home=/var/opt/gitlab/mattermost
tree=/opt/gitlab/embedded/service/mattermost
programs=/opt/gitlab/embedded/bin
useradd --system --user-group --home-dir /var/opt/gitlab/postgresql --shell /bin/sh gitlab-psql
mkdir -p $programs $tree /opt/gitlab/bin /opt/gitlab/service /opt/gitlab/sv /opt/gitlab/etc/mattermost/env
mkdir -p $home/data $home/plugins $home/client-plugins /var/log/gitlab/mattermost /var/opt/gitlab/postgresql
tar -C $tree --strip-components=1 -xzf /root/archive.tar.gz
mv $tree/bin/* $programs/ && rmdir $tree/bin
mv $tree/config/config.json $tree/config.json.template
echo 11.7.100 >$tree/VERSION
for program in psql pg_dump pg_restore postgres initdb; do ln -s /usr/lib/postgresql/15/bin/$program $programs/; done
for program in sv chpst runsvdir runsv svlogd; do ln -s "$(command -v $program)" $programs/; done
cp $tree/config.json.template $home/config.json
chmod 600 $home/config.json
chown -R mattermost:mattermost $home /var/log/gitlab/mattermost
chown -R gitlab-psql:gitlab-psql /var/opt/gitlab/postgresql

runuser -u gitlab-psql -- $programs/initdb -D /var/opt/gitlab/postgresql/data -E UTF8 --locale=C.UTF-8 -A peer >/dev/null
cat >>/var/opt/gitlab/postgresql/data/postgresql.conf <<'CONF'
listen_addresses = ''
unix_socket_directories = '/var/opt/gitlab/postgresql'
CONF
echo 'local all all peer map=gitlab' >/var/opt/gitlab/postgresql/data/pg_hba.conf
cat >/var/opt/gitlab/postgresql/data/pg_ident.conf <<'IDENT'
gitlab  mattermost  gitlab_mattermost
gitlab  /^(.*)$  \1
IDENT

variable() { printf '%s' "$2" >"/opt/gitlab/etc/mattermost/env/$1"; }
variable MM_FILESETTINGS_DIRECTORY $home/data
variable MM_GITLABSETTINGS_AUTHENDPOINT http://gitlab.example.test/oauth/authorize
variable MM_GITLABSETTINGS_ENABLE true
variable MM_GITLABSETTINGS_ID application
variable MM_GITLABSETTINGS_SCOPE ''
variable MM_GITLABSETTINGS_SECRET Secret-of-gitlab-1
variable MM_LOGSETTINGS_FILELOCATION /var/log/gitlab/mattermost
variable MM_PLUGINSETTINGS_CLIENTDIRECTORY $home/client-plugins
variable MM_PLUGINSETTINGS_DIRECTORY $home/plugins
variable MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS ' gitlab.example.test'
variable MM_SERVICESETTINGS_LISTENADDRESS 0.0.0.0:8065
variable MM_SERVICESETTINGS_SITEURL http://old.example.test
variable MM_SQLSETTINGS_ATRESTENCRYPTKEY 0123456789abcdef0123456789abcdef
variable MM_SQLSETTINGS_DATASOURCE 'user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production'
variable MM_SQLSETTINGS_DRIVERNAME postgres
variable MM_TEAMSETTINGS_SITENAME 'GitLab Mattermost'
variable SSL_CERT_DIR /opt/gitlab/embedded/ssl/certs/

service() { # service NAME: its run script on standard input
    mkdir -p "/opt/gitlab/sv/$1/log" "/var/log/gitlab/$1"
    cat >"/opt/gitlab/sv/$1/run"
    printf '#!/bin/sh\nexec svlogd -tt /var/log/gitlab/%s\n' "$1" >"/opt/gitlab/sv/$1/log/run"
    chmod 755 "/opt/gitlab/sv/$1/run" "/opt/gitlab/sv/$1/log/run"
    ln -s "/opt/gitlab/sv/$1" /opt/gitlab/service/
}
service postgresql <<'RUN'
#!/bin/sh
exec 2>&1
exec chpst -P -U gitlab-psql:gitlab-psql -u gitlab-psql:gitlab-psql /opt/gitlab/embedded/bin/postgres -D /var/opt/gitlab/postgresql/data
RUN
service mattermost <<'RUN'
#!/bin/sh
exec 2>&1
cd /opt/gitlab/embedded/service/mattermost
exec chpst -e /opt/gitlab/etc/mattermost/env -P -U mattermost:mattermost -u mattermost:mattermost /opt/gitlab/embedded/bin/mattermost --config=/var/opt/gitlab/mattermost/config.json
RUN
cat >/opt/gitlab/bin/gitlab-ctl <<'CTL'
#!/bin/sh
# gitlab-ctl start|stop|status SERVICE: hands on to runit and says its words without the path
said=$(/opt/gitlab/embedded/bin/sv -w 60 "$1" "/opt/gitlab/service/$2")
code=$?
printf '%s\n' "$said" | sed 's|/opt/gitlab/service/||g'
exit $code
CTL
chmod 755 /opt/gitlab/bin/gitlab-ctl
ln -s /opt/gitlab/bin/gitlab-ctl /usr/bin/
cat >/usr/lib/systemd/system/gitlab-runsvdir.service <<'UNIT'
[Unit]
Description=GitLab Runit supervision process
After=multi-user.target
[Service]
ExecStart=/opt/gitlab/embedded/bin/runsvdir -P /opt/gitlab/service
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl -q enable gitlab-runsvdir
systemctl start --no-block gitlab-runsvdir
psql() { runuser -u gitlab-psql -- $programs/psql -qXAt -h /var/opt/gitlab/postgresql -d postgres "$@"; }
tries=0
until psql -c 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || exit 1
    sleep 0.3
done
psql -c 'CREATE ROLE gitlab_mattermost LOGIN' -c 'CREATE DATABASE mattermost_production OWNER gitlab_mattermost'
gitlab-ctl restart mattermost >/dev/null
