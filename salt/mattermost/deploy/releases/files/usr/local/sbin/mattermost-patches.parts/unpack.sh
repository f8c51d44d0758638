# shellcheck shell=sh disable=SC2154 # part of mattermost-patches, which sets the variables
# Unpack a proven archive to INSTALL/VERSION, whole or not at all, as mattermost_release_tree.py does in a deploy.

is_whole() { # is_whole VERSION: of the edition that runs, with its web client rewritten for the site's path
    [ -x "$install/$1/bin/mattermost" ] && [ "$(cat "$install/$1/client-path" 2>/dev/null)" = "$path" ] &&
        [ "$(enterprise_ready "$install/$1")" = "$(enterprise_ready "$install/$installed")" ]
}

unpack_archive() { # unpack_archive ARCHIVE; a disk that is full, or an archive that is no release, is the end of the run
    local aside tree
    rm -rf "$install"/.unpack-* # of one that was killed; the lock of runs keeps a deploy's away
    [ "$(kib_free "$install")" -ge "$(($(wc -c <"$1") / 256))" ] || # an archive grows about threefold
        end_run failed "$install has too little free space to unpack Mattermost $patch." "Free some space on that disk."
    aside=$(mktemp -d "$install/.unpack-XXXXXX") || end_run failed "$install cannot be written." "Check the disk: df"
    tree=$aside/mattermost
    if (umask 022 && tar -xzf "$1" -C "$aside" --no-same-owner --no-same-permissions) 2>"$scratch/error" && prepare_tree "$aside"; then
        sync
        [ ! -e "$install/$patch" ] || mv "$install/$patch" "$aside/replaced"
        mv "$tree" "$install/$patch" && flush "$install" || { rm -rf "$aside"; end_run failed "Mattermost $patch could not be moved to $install." "Check the disk: df"; }
        rm -rf "$aside"
    else
        rm -rf "$aside"
        end_run failed "Mattermost $patch could not be unpacked: $(tail -n 1 "$scratch/error")"
    fi
}

prepare_tree() { # prepare_tree DIRECTORY: what is in it is a release of that version; the reason why not goes to $scratch/error
    local tree="$1/mattermost" said version edition wanted
    if [ "$(ls -A "$1")" != mattermost ] || [ -n "$(strange_members "$1")" ]; then
        say "the archive contains files that no release of Mattermost has." >"$scratch/error"
        return 1
    fi
    chmod -R 'u=rwX,go=rX' "$tree" && chmod 755 "$1" || return 1
    said=$(timeout 120 runuser -u "$user" -- env -i PATH=/usr/bin:/bin HOME=/nonexistent "$tree/bin/mattermost" version 2>"$scratch/error") || return 1
    version=$(say "$said" | sed -n 's/^Version:[[:blank:]]*//p')
    edition=$(say "$said" | sed -n 's/^Build Enterprise Ready:[[:blank:]]*//p')
    wanted=$(enterprise_ready "$install/$installed") # the host keeps the edition that it has
    if [ "$version" != "$patch" ] || [ "$edition" != "$wanted" ]; then
        say "the server in the archive has version $version, enterprise $edition." >"$scratch/error"
        return 1
    fi
    [ -s "$tree/client/root.html" ] || { say "the archive has no web client." >"$scratch/error"; return 1; }
    (umask 022 && timeout 120 env -i PATH=/usr/bin:/bin HOME=/nonexistent "$tree/bin/mmctl" config subpath --path "$path" --assets-dir "$tree/client") \
        >/dev/null 2>"$scratch/error" && (umask 022 && say "$path" >"$tree/client-path")
}

strange_members() { # strange_members DIRECTORY: what is no file, folder, or link to within it
    local link
    find "$1" ! -type d ! -type f ! -type l
    find "$1" -type l | while IFS= read -r link; do
        case $(readlink -m "$link") in "$(readlink -f "$1")"/mattermost/*) ;; *) say "$link" ;; esac
    done
}
