# What Salt wrote for this upgrade, the places that follow from it, and the report.

read_settings() {
    work='' settings='' service='' database='' socket_dir='' port='' old_version='' old_bin='' old_config='' old_data='' old_service='' old_enable=''
    new_version='' new_bin='' new_config='' new_data='' new_service='' new_enable='' new_logs='' new_remove=''
    take_settings 'work settings service database socket_dir port old_version old_bin old_config old_data old_service old_enable
        new_version new_bin new_config new_data new_service new_enable new_logs new_remove' '' mattermost.postgresql
    database_port=$port
    own=$work/postgresql
    journal=$own/journal
    no_start=$own/closed # the server does not start while it is there
    report=$own/report
    saved=$own/saved
    request=$runtime/request
}

write_report() { # write_report RESULT REASON ADVICE
    {
        say "id=$id"
        say "result=$1"
        say "from=$old_version"
        say "to=$new_version"
        say "ended=$(date '+%Y-%m-%d %H:%M:%S %z')"
        [ -z "$outage_start" ] || [ -z "$outage_end" ] || say "outage=$((outage_end - outage_start))"
        say "reason=$(one_line "$2")"
        say "advice=$(one_line "$3")"
    } >"$report.new"
    publish "$report"
    say "$1: $2${3:+ $3}"
}
