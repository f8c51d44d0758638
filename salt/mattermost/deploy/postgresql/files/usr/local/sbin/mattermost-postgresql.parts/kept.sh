# The old cluster, kept until somebody removes it.

forget() { # forget MAJOR: the one way in which an old cluster is removed
    local data config
    [ ! -e "$journal" ] || fail 2 "An upgrade is at work; see mattermost-postgresql status."
    grep -q "^$1 " "$own/kept" 2>/dev/null || fail 2 "No cluster of PostgreSQL '$1' is kept; mattermost-postgresql status shows which are."
    read -r _ _ _ data config <<END
$(grep "^$1 " "$own/kept" | head -n 1)
END
    ! runs "$data" || fail 2 "The cluster in $data runs: stop it first."
    if [ ! -e "$data/PG_VERSION" ]; then
        say "$data is gone already."
    elif [ -e "$config/start.conf" ]; then
        pg_dropcluster "$1" "$(basename "$config")" || fail 4 "$data could not be removed."
        leave_no_settings "$config"
    else
        rm -rf --one-file-system "${data:?}" || fail 4 "$data could not be removed."
    fi
    grep -v "^$1 " "$own/kept" >"$own/kept.new"
    publish "$own/kept"
    say "PostgreSQL $1 is forgotten; its packages can be removed."
}

keep() { # keep MAJOR SERVING DATA CONFIG: a stopped cluster stays until somebody has it forgotten; repeatable
    ! grep -q "^$1 " "$own/kept" 2>/dev/null || return 0
    { [ ! -e "$own/kept" ] || cat "$own/kept"; say "$1 $2 $(date +%Y-%m-%d) $3 $4"; } >"$own/kept.new" && publish "$own/kept"
}
