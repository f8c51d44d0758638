# What Salt wrote for this upgrade, and the places that follow from it.

needed='work settings service database socket_dir port old_version old_bin old_config old_data old_service old_enable
 new_version new_bin new_config new_data new_service new_enable new_logs new_remove'

read_settings() {
    [ -r "$settings_file" ] || fail 2 "$settings_file cannot be read: run as root, after mattermost.postgresql."
    for key in $needed; do eval "$key=''"; done
    while IFS='=' read -r key value; do
        for known in $needed; do
            [ "$key" != "$known" ] || eval "$key=\$value"
        done
    done <"$settings_file"
    for key in $needed; do
        eval "value=\$$key"
        # shellcheck disable=SC2154 # set by eval
        [ -n "$value" ] || fail 2 "$settings_file lacks $key; run mattermost.postgresql again."
    done
    own=$work/postgresql
    journal=$own/journal
    closed=$own/closed # the server does not start while it is there
    report=$own/report
    saved=$own/saved
    request=$runtime/request
}
