# What comes from another host or out of a repository is hostile: its names, links, modes and special files. Root does not unpack it, and
# takes nothing of it but plain files and folders.

unpacker() { # the account that does; before a deploy made it, the one that has nothing
    if id -u "$SQL_ACCOUNT" >/dev/null 2>&1; then say "$SQL_ACCOUNT"; else say nobody; fi
}

as_unpacker() { # as_unpacker DIRECTORY PROGRAM ARGUMENTS: there; root opens the directory, for those above it may be closed
    local directory="$1"
    shift
    (cd "$directory" && exec runuser -u "$(unpacker)" -- "$@")
}

open_to_unpacker() { # open_to_unpacker DIRECTORY: made when it is not there
    mkdir -p "$1" && chmod 700 "$1" || return 1
    [ "$(stat -c %U "$1")" = "$(unpacker)" ] || chown -R "$(unpacker):" "$1"
}

odd_files() { find "$1" ! -type d ! -type f; } # odd_files DIRECTORY: links, fifos, sockets and devices in it

unpack() { # unpack DIRECTORY: the tar archive on standard input; what is there then is root's
    open_to_unpacker "$1" && as_unpacker "$1" tar -xpf - || return 1
    chown -R root:root "$1" || return 1
    find "$1" ! -type d ! -type f -exec rm -f {} +
}

take_file() { # take_file FILE PLACE: as root's alone; nothing when it is no plain file
    [ -f "$1" ] && [ ! -L "$1" ] || return 0
    install -m 600 "$1" "$2.new" && publish "$2"
}

# shellcheck disable=SC2154 # the program sets certificates, certbot's folder here, and name
take_certificates() { # take_certificates TREE: those in another host's folder of certbot, unless there is one for the name; says so
    local tree="$1" path
    [ -n "$certificates" ] && ! is_lineage "$name" && [ -d "$tree/archive/$name" ] || return 0
    (umask 022 && mkdir -p "$certificates") || return 1
    [ ! -d "$tree/accounts" ] || cp -Rn "$tree/accounts" "$certificates/" || return 1
    for path in "$tree"/archive/*; do [ "${path##*/}" = "$name" ] || take_lineage "$tree" "$path" || return 1; done
    sync
    take_lineage "$tree" "$tree/archive/$name" || return 1 # last: it says that all is here
    sync
    say certificate
}

take_lineage() { # take_lineage TREE PATH: the newest of its certificates; what a cut left of it is filled again
    local lineage="${2##*/}" kind count
    case $lineage in .* | *[!A-Za-z0-9.-]*) return 0 ;; esac
    count=$(newest_certificate "$2")
    [ -n "$count" ] && ! is_lineage "$lineage" || return 0
    mkdir -p "$certificates/archive/$lineage" "$certificates/live/$lineage" "$certificates/renewal" || return 1
    for kind in cert chain fullchain privkey; do
        take_file "$2/$kind$count.pem" "$certificates/archive/$lineage/$kind$count.pem" &&
            ln -sfn "../../archive/$lineage/$kind$count.pem" "$certificates/live/$lineage/$kind.pem" || return 1
    done
    renewal_of "$lineage" "$1/renewal/$lineage.conf" >"$certificates/renewal/$lineage.conf.new" && publish "$certificates/renewal/$lineage.conf"
}

newest_certificate() { # newest_certificate DIRECTORY: the number of the newest that is there whole
    local path number newest=0
    for path in "$1"/fullchain*.pem; do
        number=${path##*/fullchain}
        number=${number%.pem}
        is_number "$number" && [ "$number" -gt "$newest" ] && [ -f "$1/cert$number.pem" ] && [ -f "$1/chain$number.pem" ] &&
            [ -f "$1/privkey$number.pem" ] && newest=$number
    done
    [ "$newest" = 0 ] || say "$newest"
}

is_secret() { # is_secret NAME: of a secret that a deploy makes; the names of a change of password are this host's own
    case $1 in rotation* | *[!a-z0-9-]*) return 1 ;; esac
}

is_lineage() { # is_lineage NAME: certbot has it, or somebody put something of their own there
    [ -e "$certificates/renewal/$1.conf" ] || [ -n "$(find "$certificates/live/$1" ! -type d ! -type l 2>/dev/null | head -n 1)" ]
}

renewal_of() { # renewal_of LINEAGE FILE: certbot's settings of another host: no line that runs a program, and paths of this host
    local kind
    say "archive_dir = $certificates/archive/$1"
    for kind in cert privkey chain fullchain; do say "$kind = $certificates/live/$1/$kind.pem"; done
    [ ! -f "$2" ] || awk -v known=' version renew_before_expiry account server authenticator key_type rsa_key_size elliptic_curve webroot_path ' '
        /[^ -~]/ { next } # some of these end a line for certbot
        $2 == "=" && index(known, " " $1 " ") || $0 == "[renewalparams]" || $0 == "[[webroot_map]]" || /^[A-Za-z0-9*-]+([.][A-Za-z0-9-]+)+ = \/[^ ]*$/' "$2"
}
