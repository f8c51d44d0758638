# What a backup proves itself by, and what it is judged by.

existing() { # existing PATH: it, or the directory above it that is there
    local place="$1"
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    say "$place"
}

kib_free() { df -Pk "$(existing "$1")" | awk 'NR == 2 { print $4 }'; } # kib_free PATH: on the file system that PATH is or will be on

config_value() { # config_value FILE SECTION KEY: of a config.json as the server writes it
    awk -v section="\"$2\":" -v key="\"$3\":" '
        { indent = match($0, /[^ ]/) }
        !inside && $1 == section { inside = indent; next }
        !inside { next }
        indent <= inside { exit }
        !own { own = indent } # what stands deeper is a key of a key
        indent == own && $1 == key { sub(/^[^:]*: */, ""); sub(/,$/, ""); gsub(/^"|"$/, ""); print; exit }' "$1"
}

keys_fingerprint() { # of the keys without which links and encrypted values of the database are lost; not the keys themselves
    printf '%s %s' "$(config_value "$1" SqlSettings AtRestEncryptKey)" "$(config_value "$1" FileSettings PublicLinkSalt)" |
        sha256sum | cut -d' ' -f1
}

# one line a table: its name, rows, and a checksum that does not depend on their order
CENSUS="SELECT 'users', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM users t;
SELECT 'channels', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM channels t;
SELECT 'posts', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM posts t;
SELECT 'fileinfo', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM fileinfo t;"
