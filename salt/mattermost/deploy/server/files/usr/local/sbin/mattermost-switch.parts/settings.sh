# What Salt wrote for this program and mattermost-kept, the places that follow from it, and the versions.

read_settings() {
    install='' state='' settings='' work='' port='' service='' database='' role='' psql='' socket_dir='' database_port='' start_timeout='' copy=''
    unhealthy_timeout=30 database_timeout=30 settle=5 back_timeout=1800 # seconds; no setting of a user's
    socket='' local_mode='' # an older bundle wrote none
    take_settings 'install state settings work port service database role psql socket_dir database_port start_timeout copy' \
        'unhealthy_timeout database_timeout settle back_timeout socket local_mode' 'a deploy'
    [ ! -r "$runtime.port" ] || read -r port <"$runtime.port" # an import that is not done has the server where nobody comes
    own=$work/switch
    journal=$own/journal
    report=$own/report
    request=$runtime/request
    unwritten="The journal $journal could not be written. Free some space on that disk."
    config=$state/config/config.json
    environment=$settings/environment
}

current() { readlink "$install/current" 2>/dev/null; }

is_version() {
    case $1 in
        *[!0-9.]* | .* | *. | *..* | *.*.*.*) return 1 ;;
        *.*.*) return 0 ;;
        *) return 1 ;;
    esac
}

is_older() { # is_older A B: A.B.C as numbers
    local old_rest="$1." new_rest="$2."
    while [ -n "$old_rest" ]; do
        [ "${old_rest%%.*}" -lt "${new_rest%%.*}" ] && return 0
        [ "${old_rest%%.*}" -gt "${new_rest%%.*}" ] && return 1
        old_rest=${old_rest#*.} new_rest=${new_rest#*.}
    done
    return 1
}
