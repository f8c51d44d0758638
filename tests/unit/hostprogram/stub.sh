#!/bin/sh
# Stands in for systemctl, curl, psql, runuser, journalctl, mv, df and sync in the tests of the host program; the name that it is
# called by says which. The world is a directory of files: WORLD/active, pid, log, free_kib, databases/NAME (its schema), rows/NAME
# (its messages, one a line), faults/VERSION …

# Each process counts: some of these are called hundreds of times in a test. So one-line files are read by `read`.
# shellcheck disable=SC2094 # a variable that is called as the file it is read from is no write

cd "$WORLD" || exit 1
case ${0##*/} in
    sync) # nothing is cut here, and waiting for a busy disk would be most of the tests' time
        printf '%s\n' "$1" >>synced
        exit
        ;;
    mv) [ -e replace_after ] || [ -e kill_after ] || [ -e full_after ] || exec /bin/mv "$@" ;;
esac
newline='
'
fault='' version=''
case ${0##*/} in
    systemctl | curl)
        read -r active <active
        if cd -P install/current 2>/dev/null; then version=${PWD##*/}; else version=$(readlink install/current); fi
        cd "$WORLD" || exit 1
        ;;
esac
[ ! -e "faults/${version:-none}" ] || read -r fault <"faults/${version:-none}"

systemctl() {
    verb='' unit=''
    for word in "$@"; do
        case $word in
            -*) ;;
            *) if [ -z "$verb" ]; then verb=$word; elif [ -z "$unit" ]; then unit=$word; fi ;;
        esac
    done
    case $verb/$unit in
        start/mattermost-switch*)
            # systemd starts it again when it ends badly
            for _ in 1 2 3; do
                sh -c "$(cat program) work" >&2 && return 0
            done
            return 0
            ;;
        start/*)
            [ ! -e run.closed ] || echo closed >>starts
            [ ! -e run/environment ] || cat run/environment >>opened
            read -r pid <pid
            echo $((pid + 1)) >pid
            if [ "$fault" = does-not-start ] || { [ -e bad_environment ] && cmp -s bad_environment settings/environment; }; then
                echo activating >active
            else
                echo active >active
                # the schema is that of the newest server that ever started on it
                read -r schema <databases/mattermost
                [ "${version:-$schema}" = "$schema" ] || [ -e no_migrations ] || printf '%s\n%s\n' "$version" "$schema" | sort -V | tail -n 1 >databases/mattermost.new
                [ ! -e databases/mattermost.new ] || /bin/mv databases/mattermost.new databases/mattermost
            fi
            ;;
        stop/*)
            echo inactive >active
            [ ! -e loses_plugins ] || echo loses-plugins >faults/11.7.100
            [ ! -e kill_in_stop ] || { rm kill_in_stop; kill -9 "$(awk '{ print $4 }' "/proc/$PPID/stat")"; } # whose timeout asks
            ;;
        is-active/mattermost-move*) [ -e moving ] ;;
        is-active/*) [ -e switching ] || return 3 ;;
        show/*)
            case $active in
                active) sub=running ;;
                activating) sub=auto-restart ;;
                *) sub=dead ;;
            esac
            read -r pid <pid
            printf '%s\n' "ActiveState=$active" "SubState=$sub" "MainPID=$pid" Result=exit-code NeedDaemonReload=no Job=
            ;;
    esac
}

post() { # post MESSAGE: its ID, time, author and channel, as the database and the server have them
    set -- "$1" "$1"
    while [ ${#2} -lt 26 ]; do set -- "$1" "${2}0"; done
    printf '%s 17 author%s channel' "$2" "$1"
}

answer() { # answer STATUS BODY: over the local socket
    printf 'HTTP/1.1 %s X\r\nContent-Type: application/json\r\n\r\n%s\n' "$1" "$2"
}

asked_locally() { # asked_locally URL: text in the message and in props that a careless reader would take for keys
    [ "$active" = active ] && [ "$fault" != no-socket ] || return 7
    case $1/$fault in
        */plugins/loses-plugins) answer 200 '{"active":[{"id":"one"}],"inactive":[{"id":"two"}]}' ;;
        */plugins/*) answer 200 '{"active":[{"id":"one","props":{"id":"three"}},{"id":"two"}],"inactive":[{"id":"four"}]}' ;;
        */posts/*/cannot-read) answer 500 '{"id":"app.store.error"}' ;;
        */posts/*/reads-nothing) ;;
        */posts/*)
            id=${1##*/}
            [ "$fault" != reads-once ] || echo reads-another >"faults/$version"
            [ "$fault" != reads-another ] || id=m
            while [ "${id%0}" != "$id" ]; do id=${id%0}; done
            # shellcheck disable=SC2046 # words
            set -- $(post "$id")
            [ "$fault" != rewrites ] || set -- "$1" "$2" "$3" other
            answer 200 "{\"id\":\"$1\",\"create_at\":$2,\"user_id\":\"$3\",\"channel_id\":\"$4\",\"message\":\"a \\\"id\\\":\\\"x\\\", {\",\"props\":{\"id\":\"y\"}}"
            ;;
    esac
}

curl() {
    for word in "$@"; do
        case $word in
            --unix-socket) for url in "$@"; do :; done; asked_locally "$url"; return ;;
        esac
    done
    while [ $# -gt 1 ]; do
        case $1 in
            -D) head=$2 ;;
            -o) body=$2 ;;
        esac
        shift
    done
    if [ "$active" != active ]; then
        printf 000
        return 7
    fi
    printf '%s\n' "$1" >>asked
    status=200 text='<html>' claimed=$version
    case $1/$fault in
        *ping*/unhealthy) status=500 text='{"database_status":"UNHEALTHY","filestore_status":"OK","status":"UNHEALTHY"}' ;;
        *ping*) text='{"database_status":"OK","status":"OK"}' ;;
        *config/client*/enterprise) text='{"BuildEnterpriseReady":"true"}' ;;
        *config/client*) text='{"BuildEnterpriseReady":"false"}' ;;
        *//no-page) status=404 ;;
    esac
    [ "$fault" != wrong-version ] || claimed=9.9.9
    printf 'HTTP/1.1 %s\r\nX-Version-Id: %s.%s.0123.false\r\n\r\n' "$status" "$claimed" "$claimed" >"$head"
    printf '%s' "$text" >"$body"
    printf '%s' "$status"
}

quoted() { # quoted PATTERN: the quoted names behind it in the statements, one a line
    printf '%s\n' "$statements" | sed -n "s/.*$1.*/\\1 \\2/p"
}

numbers_of() { # numbers_of DATABASE: its migrations, by the version that its schema is of
    read -r schema <"databases/$1"
    case $schema in
        11.7.100) echo 2,1 ;;
        11.8.100) echo 4,3,2,1 ;;
        *) echo 9,2,1 ;;
    esac
}

change() { # make, rename and remove databases as the statements say
    quoted 'CREATE DATABASE "\([^"]*\)" TEMPLATE "\([^"]*\)"' | while read -r copy from; do
        if [ -e copy_fails ]; then
            printf 'ERROR:  could not extend file: No space left\non device\n' >&2
            return 3
        fi
        cp "databases/$from" "databases/$copy"
        [ ! -e "rows/$from" ] || cp "rows/$from" "rows/$copy"
    done || return
    quoted 'ALTER DATABASE "\([^"]*\)" RENAME TO "\([^"]*\)"' | while read -r old new; do
        /bin/mv "databases/$old" "databases/$new"
        [ ! -e "rows/$old" ] || /bin/mv "rows/$old" "rows/$new"
    done
    quoted 'DROP DATABASE IF EXISTS "\([^"]*\)"\(.*\)' | while read -r name; do rm -f "databases/${name%% *}" "rows/${name%% *}"; done
}

psql() {
    while [ "$1" != -d ]; do shift; done
    asked=$2
    statements=''
    while IFS= read -r line || [ -n "$line" ]; do statements="$statements${statements:+$newline}$line"; done
    case $statements in *TEMPLATE*) printf '%s\n' "$statements" | grep TEMPLATE >>copies ;; *) : >>copies ;; esac
    if [ -e postgresql_is_down ]; then
        echo 'connection refused' >&2
        return 2
    fi
    case $statements in *'CREATE DATABASE'* | *'ALTER DATABASE'* | *'DROP DATABASE'*) change || return ;; esac
    case $statements in
        *"SELECT 1 FROM pg_database WHERE"*)
            name=${statements#*"datname = '"}
            [ ! -e "databases/${name%%\'*}" ] || echo 1
            ;;
        *'SELECT substring(datname'*)
            # shellcheck disable=SC2012 # names of databases are plain
            ls databases | sed -n 's/^mattermost_\([a-z]*_[0-9]\{14\}\)$/\1 & 1024/p'
            ;;
        'COPY (SELECT id FROM posts'*) [ ! -e "rows/$asked" ] || sort "rows/$asked" ;;
        COPY*) ;;
        *'md5('*'FROM db_migrations'*) numbers_of "$asked" | tr ',' '\n' | sort -n | paste -sd, | tr -d '\n' | md5sum | cut -d ' ' -f 1 ;;
        *'FROM db_migrations'*) numbers_of "$asked" ;;
        'DELETE FROM db_lock') rm -f db_lock ;;
        *pg_catalog.pg_attribute*) [ ! -e columns_are_locked ] || return 3; read -r schema <"databases/$asked"; cat "columns/$schema" ;;
        *"format('SELECT count"*)
            name=$(printf '%s\n' "$statements" | sed -n "s/.*to_regclass('public\.\([a-z]*\)').*/\1/p" | head -n 1)
            cat "dropped/$name" 2>/dev/null || :
            ;;
        *'FROM users WHERE password LIKE'*) if [ -e passwords ]; then cat passwords; else echo 0; fi ;;
        *"datname ~ "*)
            pattern=$(quoted "datname ~ '\\([^']*\\)'\\(.*\\)")
            offset=$(quoted 'OFFSET \([0-9]*\)\(.*\)')
            # shellcheck disable=SC2010 # names of databases are plain
            ls databases | grep -E "${pattern% }" | sort -r | tail -n "+$((offset + 1))"
            ;;
        *'message NOT LIKE'*)
            if [ -e posts_are_locked ]; then case $statements in *'lock_timeout = '*) return 3 ;; *) sleep 70 ;; esac fi
            last=''
            [ ! -e "rows/$asked" ] || while read -r row; do last=$row; done <"rows/$asked"
            [ -n "$last" ] || return 0
            last=$(post "$last")
            sum=$(printf '%s "a \\"id\\":\\"x\\", {"' "${last#* }" | sha256sum)
            printf '%s %s\n' "${last%% *}" "${sum%% *}"
            ;;
        *'FROM posts'*) [ -e posts ] && [ -e "databases/$asked" ] && cat posts ;;
        *pg_database_size*) read -r size <size_kib; echo "$size" ;;
        'SHOW server_version_num') echo 150013 ;;
        *data_directory*) echo "$WORLD" ;;
        'SELECT 1') echo 1 ;;
    esac
}

mv() { # the real one; kills the program right after the journal's newest record is the wanted one, once; or has the disk full from there on
    /bin/mv "$@" || return
    for last in "$@"; do :; done
    case $last in
        *switch/journal)
            if [ -e full_after ] && [ "$(tail -n 1 "$last" | cut -d ' ' -f 1)" = "$(cat full_after)" ]; then
                ln -s /dev/full "$last.new"
            fi
            if [ -e replace_after ] && [ "$(tail -n 1 "$last" | cut -d ' ' -f 1)" = "$(cat replace_after)" ]; then
                rm replace_after
                /bin/mv mattermost-switch.new mattermost-switch # as a deploy does
            fi
            if [ -e kill_after ] && [ "$(tail -n 1 "$last" | cut -d ' ' -f 1)" = "$(cat kill_after)" ]; then
                rm kill_after
                [ ! -e then_breaks ] || echo wrong-version >"faults/$(cat then_breaks)"
                kill -9 "$PPID"
            fi
            ;;
    esac
}

runuser() { # runuser -u postgres -- PROGRAM ARGUMENTS
    shift 3
    exec "$@"
}

journalctl() { exec cat log; }

df() {
    read -r free <free_kib
    printf 'Filesystem 1024-blocks Used Available\n/dev/x 1 1 %s 1%% /\n' "$free"
}

"${0##*/}" "$@"
