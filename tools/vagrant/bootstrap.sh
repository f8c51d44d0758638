#!/bin/sh
# What salt-ssh needs on a fresh box before it can say a word: tar, xz and recent certificates of authorities.
# On CentOS 7 the box's repositories come first, as their mirrors are gone. Runs as root; changes nothing when all is there.
# Argument: a folder in place of /, for the tests alone.
set -eu

root=${1:-}
repositories=$root/etc/yum.repos.d
archive=$repositories/mattermost-system.repo

# Sections that ask a dead mirror are switched off; nothing else in the files changes.
switch_off_dead_mirrors() {
    for file in "$repositories"/CentOS-*.repo; do
        grep -Eq '^[^#]*(mirrorlist|mirror)\.centos\.org' "$file" 2>/dev/null || continue
        awk '
            function put() { printf "%s", head; printf "%s", dead ? "enabled=0\n" without : body }
            /^\[/ { put(); head = $0 "\n"; body = without = ""; dead = 0; next }
            /^[^#]*(mirrorlist|mirror)\.centos\.org/ { dead = 1 }
            { body = body $0 "\n" }
            !/^enabled *=/ { without = without $0 "\n" }
            END { put() }
        ' "$file" > "$file.new"
        cat "$file.new" > "$file"
        rm -f "$file.new"
    done
}

# name_archive SCHEME: the same IDs that the deployment uses, so that it takes the file over.
name_archive() {
    for part in base:os updates:updates extras:extras; do
        # shellcheck disable=SC2016  # yum's variable, not the shell's
        printf '[mattermost-%s]\nname=CentOS 7.9 archive - %s\nbaseurl=%s://vault.centos.org/7.9.2009/%s/$basearch/\n' \
            "${part%%:*}" "${part%%:*}" "$1" "${part##*:}"
        printf 'enabled=1\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7\n\n'
    done > "$archive"
}

# Others' repositories are left as they are, and left out: one that is dead would fail every call.
from_archive() {
    yum --assumeyes --quiet --disablerepo='*' --enablerepo='mattermost-*' "$@"
}

centos_7() {
    [ ! -e "$archive" ] || return 0
    switch_off_dead_mirrors
    name_archive https
    from_archive makecache fast && return 0
    # The box may be too old to know the archive's authority: packages are signed, so plain HTTP gets the new ones.
    name_archive http
    from_archive update ca-certificates || { rm -f "$archive"; exit 1; }
    name_archive https
}

if grep -qs 'release 7\.' "$root/etc/centos-release"; then
    centos_7
    rpm --quiet --query tar xz ca-certificates || from_archive install tar xz ca-certificates
elif command -v apt-get >/dev/null; then
    needed=
    for package in tar xz-utils ca-certificates; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || needed="$needed $package"
    done
    [ -n "$needed" ] || exit 0
    export DEBIAN_FRONTEND=noninteractive
    apt-get --quiet --quiet update
    # shellcheck disable=SC2086  # several words on purpose
    apt-get --quiet --quiet --yes --no-install-recommends install $needed
elif command -v yum >/dev/null; then
    rpm --quiet --query tar xz ca-certificates || yum --assumeyes --quiet install tar xz ca-certificates
else
    echo "This box has neither apt nor yum, so nothing can be deployed to it. Run: vagrant destroy. Then start a box that the Vagrantfile names, for example: BOX=bento/debian-12 vagrant up" >&2
    exit 1
fi
