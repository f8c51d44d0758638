# The newer release's own down migrations: which ones, what they would drop, and how they are run.

migrations() { # migrations DATABASE: the numbers of those that it has had, newest first, joined by commas
    local found
    found=$(role_value "$1" "SELECT string_agg(version::text, ',' ORDER BY version DESC) FROM db_migrations") || return
    case $found in '' | *[!0-9,]*) return 1 ;; esac
    say "$found"
}

without() { # without LIST OTHER: the numbers of LIST that OTHER lacks
    say "$1 $2" | awk '{
        split($2, others, ","); for (i in others) other[others[i]]
        n = split($1, numbers, ","); for (i = 1; i <= n; i++) if (!(numbers[i] in other)) kept = kept (kept == "" ? "" : ",") numbers[i]
        print kept
    }'
}

checksum_of() { # checksum_of LIST: what `schema` says of a database with these migrations
    say "$1" | tr ',' '\n' | sort -n | paste -sd, | tr -d '\n' | md5sum | cut -d' ' -f1
}

columns() { # columns DATABASE: lines TABLE COLUMN; the names are the role's word
    as_role "$1" "SELECT c.relname || ' ' || a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped" >"$scratch/all-columns" || return
    grep -xE '[a-z0-9_]+ [a-z0-9_]+' "$scratch/all-columns" | sort
}

added() { # added BEFORE NOW: lines `table NAME` and `column TABLE NAME`, of what the second database has more
    columns "$1" >"$scratch/columns-before" && columns "$2" >"$scratch/columns" || return
    awk 'NR == FNR { tables[$1]; columns[$0]; next }
        !($1 in tables) { if (!($1 in said)) print "table", $1; said[$1]; next }
        !($0 in columns) { print "column", $0 }' "$scratch/columns-before" "$scratch/columns"
}

rows_in() { # rows_in KIND TABLE [COLUMN]: how many rows a table has, or have another value in a column than its default
    local number
    if [ "$1" = table ]; then
        say "SELECT format('SELECT count(*) FROM public.%I', '$2') WHERE to_regclass('public.$2') IS NOT NULL \\gexec"
    else
        cat <<END
SELECT format('SELECT count(*) FROM public.%I WHERE %I::text IS DISTINCT FROM (%s)::text', '$2', '$3', coalesce(pg_get_expr(adbin, adrelid), 'NULL'))
 FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = to_regclass('public.$2') AND attname = '$3' \\gexec
END
    fi >"$scratch/statement"
    number=$(role_value "$database" <"$scratch/statement") || return
    number=${number:-0}
    is_number "$number" && say "$number"
}

count_dropped() { # sets dropped (lines KIND NAMES ROWS), of what the down migrations take away with rows in it
    local kind table column number
    dropped=''
    if [ -e "$own/before/$source/added" ]; then
        cp "$own/before/$source/added" "$scratch/added"
    elif [ "$copied" = yes ]; then # an older program upgraded: plugins' tables of since then count, too
        added "$previous_database" "$database" >"$scratch/added" || return
    else
        : >"$scratch/added"
    fi
    while read -r kind table column; do
        number=$(rows_in "$kind" "$table" "$column" </dev/null) || return
        [ "$number" = 0 ] || dropped="$dropped${dropped:+
}$kind $table${column:+.$column} $number"
    done <"$scratch/added"
}

unreadable_passwords() { # how many people could not log in to TO: since 11.0 passwords are hashed in a way that older servers cannot read
    if is_older "$to" 11.0.0 && ! is_older "$from" 11.0.0; then
        role_number "$database" "SELECT count(*) FROM users WHERE password LIKE '\$pbkdf2%'"
    else
        say 0
    fi
}

find_way() { # find_way [copy]: sets way (down, copy), taken_back (numbers), dropped, obstacle (why they cannot be taken back), why (empty)
    local now locked_out
    way=copy taken_back='' dropped='' obstacle=''
    [ "${1:-}" != copy ] || [ "$copied" = no ] || return 0
    now=$(migrations "$database") || { obstacle="The migrations cannot be read from the table db_migrations of the database $database."; return; }
    if [ "$copied" = yes ]; then
        taken_back=$(value_of "$facts" applied)
        [ -n "$taken_back" ] || [ -n "$no_copy" ] || taken_back=$(without "$now" "$(migrations "$previous_database")")
    fi
    if [ "$copied" = yes ] && is_older "$from" 8.0.0; then
        obstacle="Mattermost $from is older than 8.0.0 and has no command that takes migrations back."
    elif [ "$(checksum_of "$(without "$now" "$taken_back")")" != "$(value_of "$facts" schema)" ]; then
        obstacle="The database does not have the same migrations as just after the upgrade."
    elif ! locked_out=$(unreadable_passwords); then
        obstacle="It is not known how many people have a password that $to cannot read."
    elif [ "$locked_out" != 0 ]; then
        obstacle="$locked_out people have a password that $to cannot read, so the rollback would lock them out."
    elif ! count_dropped; then
        obstacle="Taking the migrations back may delete data, and this data cannot be counted."
    elif [ -n "$taken_back" ] && ! check_room; then
        obstacle=${why:-"The size of the database cannot be read."} why=''
    else
        way=down
    fi
}

drops_in_words() {
    say "$dropped" | awk '{ printf "%s%s %s of %s", NR == 1 ? "" : ", ", $3, ($1 == "table" ? "row" : "value") ($3 == 1 ? "" : "s"), $2 }'
}

as_server() ( # as_server PROGRAM ARGUMENTS: by the service's account, as its unit starts it, but for the local socket: its directory is gone
    while IFS= read -r line; do
        case $line in MM_*=*) export "${line%%=*}=$(say "${line#*=}" | sed 's/^"\(.*\)"$/\1/; s/\\\(["\\`$]\)/\1/g')" ;; esac
    done <"$environment"
    export MM_CONFIG="$config" MM_LOG_PATH="$state/logs" MM_SERVICESETTINGS_ENABLELOCALMODE=false
    cd "$install/$from" && exec timeout -k 10 "$back_timeout" runuser -u "$(stat -c %U "$config")" -- "$@" </dev/null
)

take_back() { # what counts is the table afterwards; sets why when it fails
    local said
    end_sessions "$database"
    as_role "$database" 'DELETE FROM db_lock' >/dev/null 2>&1 # of a migration that died: nothing runs in a database without sessions
    as_server "$install/$from/bin/mattermost" db downgrade "$taken_back" >"$scratch/down" 2>&1
    case $? in
        0) said="The command reported success, but the schema of the database did not change as it should." ;;
        124 | 137) said="The command did not end within $back_timeout s." ;;
        *) said=$(grep -m 1 '^Error' "$scratch/down") ;;
    esac
    end_sessions "$database"
    [ "$(schema "$database")" != "$(value_of "$facts" schema)" ] || return 0
    why="The command 'mattermost db downgrade' did not take back the migrations $taken_back. ${said:-The command gave no reason.}"
    return 1
}
