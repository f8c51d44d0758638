# What Salt wrote for a program: lines of KEY=VALUE.

take_settings() { # take_settings NEEDED OTHERS WRITER: of $settings_file each of these keys becomes the variable of its name
    [ -r "$settings_file" ] || fail 2 "$settings_file cannot be read: run as root, after $3."
    for key in $1; do eval "$key=''"; done
    while IFS='=' read -r key value; do
        for known in $1 $2; do
            [ "$key" != "$known" ] || eval "$key=\$value"
        done
    done <"$settings_file"
    for key in $1; do
        eval "value=\$$key"
        # shellcheck disable=SC2154 # set by eval
        [ -n "$value" ] || fail 2 "$settings_file lacks $key, which $3 writes."
    done
}
