# The folders of an account change their place by one rename(2), or not at all: where that is refused (an overlay's lower layer, a quota by
# project) mv copies, as root and by paths in which that account can exchange folders for links.

rename_path() { # rename_path FROM TO: there is no TO, or it is of FROM's kind
    local program
    for program in perl python3 /usr/libexec/platform-python python; do # one of them comes with each package manager
        command -v "$program" >/dev/null 2>&1 || continue
        case $program in
            perl) perl -e 'rename $ARGV[0], $ARGV[1] or die "$!\n"' "$1" "$2" ;;
            *) "$program" -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$1" "$2" ;;
        esac
        return
    done
    say "To rename a directory safely, this host needs perl or python, and has neither. Install perl." >&2
    return 1
}

why_fixed() { # why_fixed PATH NAME: why PATH cannot get a name beside NAME, which is made for a moment; nothing when it can
    local why
    mkdir -p "$2/in-the-way" || return
    why=$(rename_path "$1" "$2" 2>&1) # refused for what is in the way, if for nothing else: nothing changes
    if [ -e "$1" ] || [ -L "$1" ]; then
        rmdir "$2/in-the-way" "$2" # rm -r would take the files with it, were they there
    else
        rename_path "$2" "$1"
        why="on this file system a rename can overwrite a directory with contents"
    fi
    case $why in *'ot empty'* | *'File exists'* | *'Is a directory'*) ;; *) say "$why" | tail -n 1 ;; esac
}

# shellcheck disable=SC2154 # the program sets state
fixed_part() { # says which of the server's folders cannot change places with another, and what to do
    local part why
    for part in data plugins client-plugins; do
        [ -d "$state/$part" ] || continue
        why=$(why_fixed "$state/$part" "$state/.restore-probe")
        [ -z "$why" ] || { say "$state/$part cannot be renamed ($why). Stop mattermost.service, copy that directory (cp -a), remove it, rename the copy to $state/$part, and start mattermost.service."; return; }
    done
}
