# What a backup proves itself by, and what it is judged by.

config_value() { # config_value FILE SECTION KEY: of a config.json as the server writes it
    config_text "$1" | awk -v section="\"$2\":" -v key="\"$3\":" '
        { indent = match($0, /[^ ]/) }
        !inside && $1 == section { inside = indent; next }
        !inside { next }
        indent <= inside { exit }
        !own { own = indent } # what stands deeper is a key of a key
        indent == own && $1 == key { sub(/^[^:]*: */, ""); sub(/,$/, ""); gsub(/^"|"$/, ""); print; exit }'
}

as_lines() { tr '\n\0' '\1\n'; } # names of files, each ended by NUL: one a line, whatever is in it

keys_fingerprint() { # of the keys without which links and encrypted values of the database are lost; not the keys themselves
    printf '%s %s' "$(config_value "$1" SqlSettings AtRestEncryptKey)" "$(config_value "$1" FileSettings PublicLinkSalt)" |
        sha256sum | cut -d' ' -f1
}

COUNTED='users channels posts fileinfo' # the tables

census_queries() { # one row a table: its name, rows, checksum; and the message by which a restored server shows that people can read
    local table
    for table in $COUNTED; do say "SELECT '$table', count(*), $CHECKSUM FROM $table t;"; done
    say "SELECT 'post', coalesce((SELECT id || ' ' || encode FROM ($NEWEST_POST) newest), '- -');"
}
