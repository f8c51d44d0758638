# What Salt wrote for this upgrade, and the places that follow from it.

read_settings() {
    take_settings 'work settings service database socket_dir port old_version old_bin old_config old_data old_service old_enable
        new_version new_bin new_config new_data new_service new_enable new_logs new_remove' '' mattermost.postgresql
    database_port=$port
    own=$work/postgresql
    journal=$own/journal
    closed=$own/closed # the server does not start while it is there
    report=$own/report
    saved=$own/saved
    request=$runtime/request
}
