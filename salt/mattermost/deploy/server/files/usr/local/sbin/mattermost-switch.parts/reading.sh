# Whether people can read, asked over the local socket: it wants no password. What is read reaches no log and no file that stays.

shown_post() { # of the answer: the ID and hash of the post that the server shows
    json_values >"$scratch/values"
    set -- "$(value_in id)" "$(value_in create_at)" "$(value_in user_id)" "$(value_in channel_id)" "$(value_in message)"
    rm -f "$scratch/values" "$scratch/answer"
    say "$1 $(printf '%s %s %s %s' "$2" "$3" "$4" "$5" | sha256sum | cut -d' ' -f1)"
}

active_plugins() { # their IDs, one a line, sorted
    ask_locally plugins
    [ "$code" != 200 ] || json_values | sed -n 's/^active\.id "\([A-Za-z0-9._-]\{1,190\}\)"$/\1/p' | head -n 200 | sort
}

can_ask() { # the socket is there by the setting, or because a switch started the server
    [ -n "$socket" ] && { [ "$local_mode" != no ] || [ -S "$socket" ]; }
}

look_before() { # the site is closed: what the server that is to be stopped shows; sets plugins, unread, post
    close_site
    plugins='' unread='' post=''
    inspect_service
    [ "$active" = active ] && can_ask || return 0
    plugins=$(active_plugins)
    [ ! -e "$journal" ] || mark "$own/plugins" "$plugins" # for who has to go on after a kill, as `unread` is
    choose_post
    if ! is_chosen || reads_post; then return 0; fi
    [ "$code" != 000 ] || return 0 # of a server that has no socket nothing is known
    unread=yes
    [ ! -e "$journal" ] || record unread
}

choose_post() { # the message that the next server must show; sets post, remarks, altered
    post='' remarks='' altered=''
    [ -z "$socket" ] || [ -n "$unread" ] || post=$(newest_post "$database") || post=unknown
}

is_chosen() { case $post in '' | unknown | '- -') return 1 ;; esac; }

reads_post() { # sets why when the server does not show the chosen message, altered when it shows that one with another text
    local id="${post% *}" shown
    ask_locally "posts/$id"
    case $code in
        200)
            shown=$(shown_post)
            [ "$shown" != "$post" ] || return 0
            [ "${shown% *}" != "$id" ] || altered=yes
            why="does not return the newest message ($id) as it is in the database"
            ;;
        000) why="does not answer on its local socket $socket" ;;
        *) why="does not return the newest message ($id; status $code)" ;;
    esac
    return 1
}

remarks() { # what the report adds about a server that is proved
    local lost
    [ -z "$unread" ] || say "The newest message was not checked. Even before it was stopped, the server did not return this message. Check in the chat that people can read the newest message."
    case $post in
        '- -') say "The server has no message yet that could be checked." ;;
        unknown) say "The newest message was not checked, because PostgreSQL did not say which message is the newest. Check in the chat that people can read messages." ;;
    esac
    [ -n "$plugins" ] || return 0
    active_plugins >"$scratch/plugins"
    lost=$(say "$plugins" | comm -23 - "$scratch/plugins" | head -n 20 | tr '\n' ' ')
    [ -z "$lost" ] || say "These plugins were active before the server was stopped, and are not active now: ${lost% }. See the System Console (Plugins, Plugin Management)."
}

open_socket() { # whatever the setting and config.json: while the server that is started now is watched, it can be asked
    [ -n "$socket" ] || return 0
    printf '%s\n' MM_SERVICESETTINGS_ENABLELOCALMODE=true "MM_SERVICESETTINGS_LOCALMODESOCKETLOCATION=$socket" >"$runtime/environment"
}

close_socket() { # the server keeps a socket that no longer has a name: nobody can reach it
    rm -f "$runtime/environment"
    [ "$local_mode" != no ] || [ -z "$socket" ] || rm -f "$socket"
}
