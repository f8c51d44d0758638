# config.json and the environment file: saved before a switch, put back, kept.

site_path() { # the path of the server's address, before which it serves nothing
    local address
    address=$(sed -n 's/^MM_SERVICESETTINGS_SITEURL="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$environment" 2>/dev/null)
    [ -n "$address" ] || address=$(config_text "$config" 2>/dev/null | sed -n 's/^ *"SiteURL": "\([^"]*\)",\{0,1\}$/\1/p' | head -n 1)
    case $address in *[!A-Za-z0-9._~:/-]*) return ;; *://*/*) address=${address#*://} && say "/${address#*/}" ;; esac
}

save_file() { # save_file FILE NAME
    [ ! -e "$1" ] || { cp -p "$1" "$own/$2.new" && publish "$own/$2"; }
}

forget_saved() { rm -f "$own/config.json" "$own/environment" "$own/plugins" && flush "$own"; } # a rollback puts back what its own switch saved

save_configuration() { # config.json as the stopped server left it; the environment that it was last well with, not what has come since
    save_file "$config" config.json || return 1
    if [ -e "$own/good-environment" ]; then
        save_file "$own/good-environment" environment
    else
        save_file "$environment" environment
    fi
}

put_back_file() { # put_back_file NAME FILE
    [ -e "$own/$1" ] || return 0
    cmp -s "$own/$1" "$2" && return 0
    cp -p "$own/$1" "$2.new" && publish "$2"
}

roll_back_configuration() { put_back_file config.json "$config" && put_back_file environment "$environment"; }

keep_configuration() { # keep_configuration FOLDER LINE…: what was saved of before the switch, and facts about it
    local name folder="$own/$1"
    shift
    mkdir -p "$folder" || return 1
    for name in config.json environment; do
        [ ! -e "$own/$name" ] || { cp -p "$own/$name" "$folder/$name.new" && publish "$folder/$name"; } || return 1
    done
    printf '%s\n' "$@" >"$folder/facts.new" && publish "$folder/facts"
}

previous_configuration() { # config.json and environment of then; the login to the database stays that of now
    local then="$own/before/$source"
    [ ! -e "$then/config.json" ] || { cp -p "$then/config.json" "$config.new" && publish "$config"; } || return 1
    [ -e "$then/environment" ] || return 0
    cp -p "$then/environment" "$environment.new" &&
        awk -v now="$environment" '
            BEGIN { while ((getline line < now) > 0) if (line ~ /^MM_SQLSETTINGS_DATASOURCE=/) login = line }
            /^MM_SQLSETTINGS_DATASOURCE=/ && login != "" { print login; next }
            { print }' "$then/environment" >"$environment.new" &&
        publish "$environment"
}
