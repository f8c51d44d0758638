# shellcheck shell=sh
# shellcheck disable=SC2154 # `directory` stands before it
# What there is of Mattermost on a host that this tree did not set up, as lines `key<TAB>value`; files travel in base64.
# Changes nothing and needs no Python. Sent behind deploy/common/tools.sh; read by the controller's importing/detect.py.

fact() { printf '%s\t%s\n' "$1" "$2"; }
file() { # file KEY PATH: its contents
    [ -r "$2" ] && [ -f "$2" ] && fact "$1" "$(base64 <"$2" | tr -d '\n')"
}
here() { # where the programs of PostgreSQL are, newest first
    # shellcheck disable=SC2012 # names of versions are plain
    ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/gitlab/embedded/bin 2>/dev/null | sort -t/ -k5 -rV
}
version() { # version PROGRAM DIRECTORY USER
    local line
    [ -x "$1" ] || return 0
    (cd "$2" && runuser -u "$3" -- "$1" version 2>/dev/null) | while read -r line; do fact version "$line"; done
}

# -- a unit of systemd: the tarball's, the package's, Omnibus' --
unit=mattermost.service
systemctl show "$unit" -p LoadState -p ActiveState -p UnitFileState -p User -p WorkingDirectory -p ExecStart -p MainPID -p Environment -p EnvironmentFiles 2>/dev/null |
    while read -r line; do fact unit "$line"; done
user=$(systemctl show "$unit" -p User 2>/dev/null | sed 's/^User=//')
pid=$(systemctl show "$unit" -p MainPID 2>/dev/null | sed 's/^MainPID=//')
[ "${pid:-0}" -gt 0 ] 2>/dev/null && fact environment "$(tr '\0' '\n' <"/proc/$pid/environ" | grep '^MM_' | base64 | tr -d '\n')"
systemctl show "$unit" -p EnvironmentFiles 2>/dev/null | sed -n 's/^EnvironmentFiles=\([^ ]*\).*/\1/p' | while read -r path; do file environment_file "$path"; done
for path in /etc/default/mattermost /etc/sysconfig/mattermost; do file environment_file "$path"; done

config_place() { # config_place TREE: the file or DSN that the server takes its settings from: an argument's, a variable's, else the tree's
    local words named found path
    if [ "${pid:-0}" -gt 0 ] 2>/dev/null; then
        words=$(tr '\0' ' ' <"/proc/$pid/cmdline") named=$(tr '\0' '\n' <"/proc/$pid/environ")
    else
        words=$(systemctl show "$unit" -p ExecStart 2>/dev/null | sed 's/.*argv\[\]=//; s/ ; .*//')
        named=$(systemctl show "$unit" -p Environment 2>/dev/null | sed 's/^Environment=//' | tr ' ' '\n'
            systemctl show "$unit" -p EnvironmentFiles 2>/dev/null | sed -n 's/^EnvironmentFiles=\([^ ]*\).*/\1/p' |
                while read -r path; do cat "$path" 2>/dev/null; done)
    fi
    found=$(printf '%s\n' "$words" | sed -nE 's/.* (-c|--config)[ =]([^ ]+).*/\2/p')
    [ -n "$found" ] || found=$(printf '%s\n' "$named" | sed -nE 's/^(export )?MM_CONFIG=//p' | tail -n 1 | sed -E "s/^[\"'](.*)[\"']$/\1/")
    case $found in
        '') printf '%s/config/config.json' "$1" ;;
        /* | *://*) printf '%s' "$found" ;;
        *) printf '%s/%s' "$1" "$found" ;;
    esac
}

strays() { # strays TREE: the processes of its program that the unit did not start, which nobody would stop
    local path program group said
    program=$(readlink -f "$1/bin/mattermost") group=$(systemctl show "$unit" -p ControlGroup 2>/dev/null | sed 's/^ControlGroup=//')
    for path in /proc/[0-9]*; do
        case $(readlink "$path/exe" 2>/dev/null) in
            "$program" | "$program (deleted)") ;;
            *) continue ;;
        esac
        said=$(cat "$path/cgroup" 2>/dev/null) || continue # it has just ended
        printf '%s\n' "$said" | group="${group:-none}/" awk 'index($0 "/", ENVIRON["group"]) { found = 1 } END { exit !found }' ||
            fact stray "${path#/proc/} in $(printf '%s\n' "$said" | sed 's|.*/||' | tail -n 1)"
    done
}

place=$directory
[ -n "$place" ] || place=$(systemctl show "$unit" -p WorkingDirectory 2>/dev/null | sed 's/^WorkingDirectory=[!-]*//')
for path in "$place" /opt/mattermost /srv/mattermost /usr/local/mattermost; do
    [ -n "$path" ] && [ -x "$path/bin/mattermost" ] || continue
    fact tree "$(readlink -f "$path")"
    strays "$(readlink -f "$path")"
    config=$(config_place "$path")
    fact config_place "$(printf '%s' "$config" | base64 | tr -d '\n')"
    # as the server reads it: its account may have laid a link there
    [ ! -f "$config" ] || fact config "$(runuser -u "${user:-root}" -- cat "$config" 2>/dev/null | base64 | tr -d '\n')"
    [ -e /etc/mattermost/mmomni.yml ] || version "$path/bin/mattermost" "$path" "${user:-nobody}"
    break
done

# -- Mattermost Omnibus --
if [ -e /etc/mattermost/mmomni.yml ]; then
    file omnibus /etc/mattermost/mmomni.yml
    file omnibus_environment /etc/mattermost/mmomni.mattermost.env
    version /opt/mattermost/bin/mattermost /opt/mattermost "${user:-mattermost}"
fi

# -- GitLab's --
for path in $(sed -nE 's/.*--config[ =]([^ ]+).*/\1/p' /opt/gitlab/sv/mattermost/run 2>/dev/null) \
    /var/opt/gitlab/mattermost/config.json /var/opt/gitlab/mattermost/config/config.json; do
    [ -f "$path" ] || continue
    fact gitlab_config "$path"
    file gitlab "$path"
    owner=$(stat -c %U "$path")
    for variable in /opt/gitlab/etc/mattermost/env/*; do
        [ -f "$variable" ] && fact gitlab_environment "$(basename "$variable") $(base64 <"$variable" | tr -d '\n')"
    done
    for program in /opt/gitlab/embedded/bin/mattermost /opt/gitlab/embedded/service/mattermost/bin/mattermost; do
        version "$program" /opt/gitlab/embedded/service/mattermost "$owner"
    done
    fact gitlab_active "$(gitlab-ctl status mattermost 2>/dev/null | cut -c1-60)"
    break
done

# -- containers --
if command -v docker >/dev/null 2>&1; then
    # shellcheck disable=SC2046 # one word each
    set -- $(docker ps -aq 2>/dev/null)
    if [ "$#" -gt 0 ]; then
        fact containers "$(docker inspect "$@" 2>/dev/null | base64 | tr -d '\n')"
        for id in "$@"; do
            case $(docker inspect -f '{{.Config.Image}}' "$id" 2>/dev/null) in
                *mattermost*)
                    docker exec "$id" mattermost version 2>/dev/null | while read -r line; do fact "version_of_$id" "$line"; done
                    file "config_of_$id" "$(docker inspect -f '{{range .Mounts}}{{if eq .Destination "/mattermost/config"}}{{.Source}}{{end}}{{end}}' "$id" 2>/dev/null)/config.json"
                    ;;
            esac
        done
    fi
fi

# -- what else is needed --
systemctl is-active --quiet mattermost-move.service && fact held yes
here | while read -r path; do [ -x "$path/pg_dump" ] && fact postgresql "$path $("$path/pg_dump" --version | sed 's/.* \([0-9][0-9.]*\).*/\1/')"; done
command -v pg_dump >/dev/null 2>&1 && fact postgresql "$(dirname "$(command -v pg_dump)") $(pg_dump --version | sed 's/.* \([0-9][0-9.]*\).*/\1/')"
fact end ok
