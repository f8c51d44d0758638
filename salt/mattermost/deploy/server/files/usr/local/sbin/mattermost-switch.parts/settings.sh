# What Salt wrote for this program, and the places that follow from it.

read_settings() {
    install='' state='' settings='' work='' port='' service='' database='' role='' psql='' socket_dir='' database_port=''
    start_timeout=120 unhealthy_timeout=30 database_timeout=30 settle=5 keep=1 keep_days=30 keep_messages=yes copy=always
    take_settings 'install state settings work port service database role psql socket_dir database_port' \
        'start_timeout unhealthy_timeout database_timeout settle keep keep_days keep_messages copy' 'a deploy'
    [ ! -r "$runtime.port" ] || read -r port <"$runtime.port" # an import that is not done has the server where nobody comes
    own=$work/switch
    journal=$own/journal
    report=$own/report
    request=$runtime/request
    unwritten="The journal $journal could not be written: make room there."
    config=$state/config/config.json
    environment=$settings/environment
}
