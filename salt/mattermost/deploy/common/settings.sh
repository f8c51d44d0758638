# What Salt wrote for a program: lines of KEY=VALUE.

take_settings() { # take_settings NEEDED OTHERS WRITER: of $settings_file each of these keys becomes the variable of its name
    local key known line value
    [ -r "$settings_file" ] || fail 2 "$settings_file cannot be read: run as root, after $3."
    for key in $1; do eval "$key=''"; done
    while IFS= read -r line; do # as a whole: taken apart by read, a value would lose a last =
        for known in $1 $2; do
            [ "${line%%=*}" != "$known" ] || eval "$known=\${line#*=}"
        done
    done <"$settings_file"
    for key in $1; do
        eval "value=\$$key"
        # shellcheck disable=SC2154 # set by eval
        [ -n "$value" ] || fail 2 "$settings_file lacks $key, which $3 writes."
    done
}
