# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # `version` stands before it; $shell is several words
# The two images, of Debian's packages and the release archive: no registry is within the lab's reach.
set -e
images=/root/images
postgres=$images/postgres
server=$images/mattermost
shell='/bin/sh /usr/bin/cat /usr/bin/chown /usr/bin/chmod /usr/bin/env /usr/bin/id /usr/bin/ls /usr/bin/mkdir /usr/bin/setpriv'

carry() { # carry ROOT PROGRAM...: into an image, with the libraries that they ask for
    root=$1
    shift
    for program; do
        LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu ldd "$program" | grep -o '/[^ ]*' || :
        echo "$program"
    done | sort -u | grep -v "^$root/" | while read -r path; do
        [ -e "$root$path" ] || cp -L --parents "$path" "$root"
    done
}
user() { # user ROOT NAME ID
    printf 'root:x:0:0::/root:/bin/sh\n%s:x:%s:%s::/:/bin/sh\n' "$2" "$3" "$3" >"$1/etc/passwd"
    printf 'root:x:0:\n%s:x:%s:\n' "$2" "$3" >"$1/etc/group"
}

for place in "$postgres" "$server"; do
    for link in bin sbin lib lib64; do mkdir -p "$place/usr/$link" && ln -s "usr/$link" "$place/$link"; done
    mkdir -p "$place/etc" "$place/tmp" && chmod 1777 "$place/tmp"
done

cd "$images"
mkdir -p packages/partial
apt-get -qq -y --no-install-recommends -d -o Dir::Cache::archives="$images/packages" -o APT::Sandbox::User=root install postgresql-15 >/dev/null
for package in packages/postgresql-15_* packages/postgresql-client-15_* packages/lib*.deb packages/tzdata_*; do
    case $package in *libllvm* | *libperl* | *libz3*) continue ;; esac
    [ ! -f "$package" ] || dpkg -x "$package" "$postgres"
done
programs=$postgres/usr/lib/postgresql/15
rm -rf packages "$postgres/usr/share/doc" "$postgres/usr/share/man" "$postgres/usr/share/locale" "$programs/lib/bitcode" "$programs"/lib/llvmjit*
for program in "$programs"/bin/*; do ln -sf "../lib/postgresql/15/bin/${program##*/}" "$postgres/usr/bin/${program##*/}"; done
mkdir -p "$postgres/run/postgresql" "$postgres/var/lib/postgresql" "$postgres/usr/share/zoneinfo"
ln -s ../run "$postgres/var/run"
cp /usr/share/zoneinfo/UTC "$postgres/usr/share/zoneinfo/" 2>/dev/null || :
carry "$postgres" $shell "$programs"/bin/* "$programs"/lib/*.so
user "$postgres" postgres 70
mv /root/postgres-entrypoint.sh "$postgres/docker-entrypoint.sh"
tar -C "$postgres" -cf - . | docker import -c 'ENV PGDATA=/var/lib/postgresql/data' -c 'ENV PATH=/usr/bin:/usr/sbin' \
    -c 'ENTRYPOINT ["/docker-entrypoint.sh"]' -c 'CMD ["postgres"]' -c 'VOLUME /var/lib/postgresql/data' - postgres:15-alpine >/dev/null

tar -C "$server" -xzf /root/archive.tar.gz
mkdir -p "$server/mattermost/data" "$server/mattermost/plugins" "$server/mattermost/client/plugins" "$server/mattermost/bleve-indexes"
mv "$server/mattermost/config/config.json" "$server/mattermost/default.json" # the volume hides the directory
chown -R 2000:2000 "$server/mattermost"
# shellcheck disable=SC2046 # no blanks
carry "$server" $shell "$server/mattermost/bin/mattermost" $(find "$server/mattermost/bin/_internal" -name '*.so*' -type f)
user "$server" mattermost 2000
mv /root/server-entrypoint.sh "$server/entrypoint.sh"
tar -C "$server" -cf - . | docker import -c 'ENV PATH=/mattermost/bin:/usr/bin:/usr/sbin' -c 'WORKDIR /mattermost' -c 'USER mattermost' \
    -c 'ENTRYPOINT ["/entrypoint.sh"]' -c 'CMD ["mattermost"]' - "mattermost/mattermost-team-edition:$version" >/dev/null
rm -rf "$images" /root/archive.tar.gz
