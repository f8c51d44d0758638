# shellcheck shell=sh disable=SC2154 # part of mattermost-patches, which sets the variables
# Fetch the archive, and prove it before anything of it is opened: by its known sum, else by the vendor's signature.

fetch() { # fetch ADDRESS FILE BYTES: whole, or the end of the run
    local why rc
    rm -f "$2"
    # curl before 8.4 keeps to its own limit only when the sender names a length
    (ulimit -f "$(($3 / 512))" && exec curl -sSfL --proto '=https,http,file' --proto-redir '=https' --connect-timeout 20 --retry 5 --speed-limit 1000 \
        --speed-time 60 -m 7200 --max-filesize "$3" -A mattermost-deploy ${ca_file:+--cacert "$ca_file"} -o "$2" "$1" 2>"$scratch/error")
    rc=$?
    [ "$rc" != 0 ] || [ ! -s "$2" ] || return 0
    why=$(sed 's/^curl: ([0-9]*) //' "$scratch/error" | tail -n 1)
    end_run skipped "$1 cannot be fetched: ${why:-it is empty, or larger than $(($3 / 1048576)) MiB}."
}

filled() { say "$1" | sed "s|{version}|$patch|g; s|{arch}|$arch|g"; }

bring_archive() { # bring_archive FILE: the proven archive of the patch
    local sum room
    sum=$(sum_of "$patch")
    [ -n "$sum" ] || command -v gpgv >/dev/null ||
        end_run failed "The signature of Mattermost $patch cannot be checked without gpgv, and its checksum is not known." "Install gpgv (package gpgv or gnupg2)."
    room=$(($(kib_free "$own") - 524288)) # KiB; half a GiB stays for PostgreSQL and the rest of the host
    [ "$room" -gt 0 ] || end_run failed "$own has less than 512 MiB of free space, so Mattermost $patch was not fetched." "Free some space on that disk."
    [ "$room" -lt 2097152 ] || room=2097152
    fetch "$(filled "$source")" "$1" "$((room * 1024))"
    if [ -z "$sum" ]; then
        prove_signature "$1"
    elif [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" != "$sum" ]; then
        end_run failed "The SHA-256 of $(filled "$source") is not $sum, which is the checksum of Mattermost $patch. The archive was not opened." "Correct mattermost:release:source, and deploy."
    fi
}

prove_signature() { # prove_signature ARCHIVE: the key is fetched each time, so that no expired copy is used; only the pinned fingerprint counts
    local why="" rc
    fetch "$(filled "$signature")" "$scratch/signature" 1048576
    fetch "$vendor_key" "$scratch/key" 1048576
    without_armour "$scratch/key" >"$scratch/keyring.gpg"
    gpgv --homedir "$scratch" --status-fd 1 --keyring "$scratch/keyring.gpg" "$scratch/signature" "$1" >"$scratch/seen" 2>"$scratch/error"
    rc=$?
    if grep -q '^\[GNUPG:\] BADSIG' "$scratch/seen"; then why="the signature belongs to another file"
    elif grep -q '^\[GNUPG:\] NO_PUBKEY' "$scratch/seen"; then why="another key signed the archive, or the key file does not contain the pinned key"
    elif grep -q '^\[GNUPG:\] EXPKEYSIG' "$scratch/seen"; then why="the vendor's key has expired; the vendor must publish that key again with the same fingerprint"
    elif grep -q '^\[GNUPG:\] \(REVKEYSIG\|EXPSIG\)' "$scratch/seen"; then why="the vendor's key is revoked, or the signature has expired"
    elif [ "$rc" != 0 ] || ! grep -q '^\[GNUPG:\] GOODSIG' "$scratch/seen"; then why=$(tail -n 1 "$scratch/error")
    elif ! grep -q "^\[GNUPG:\] VALIDSIG [0-9A-F]* .*$key_fingerprint *\$" "$scratch/seen"; then why="another key signed the archive, not the pinned key $key_fingerprint"
    else return 0
    fi
    end_run failed "The vendor's signature of Mattermost $patch is not valid: ${why:-gpgv gave no reason}. The archive was not opened." "To install this patch nevertheless, compare the archive's checksum with the vendor's, set mattermost:release:version and mattermost:release:sha256, and deploy."
}

without_armour() { # without_armour FILE: its keys as gpgv wants them
    local number=1
    grep -q 'BEGIN PGP PUBLIC KEY BLOCK' "$1" || { cat "$1"; return; }
    while awk -v number="$number" '
            { sub(/\r$/, "") }
            /BEGIN PGP PUBLIC KEY BLOCK/ { body = 0; block++; next }
            block != number { next }
            /END PGP PUBLIC KEY BLOCK/ { exit }
            body && !/^=/ { print; some = 1 }
            /^$/ { body = 1 }
            END { exit !some }' "$1" >"$scratch/block"; do
        base64 -d "$scratch/block"
        number=$((number + 1))
    done
}
