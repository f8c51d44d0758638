# INSTALL/current and the order of versions.

current() { readlink "$install/current" 2>/dev/null; }

point_at() { # point_at VERSION: INSTALL/current in one rename; without a version it goes away
    if [ -z "$1" ]; then
        rm -f "$install/current"
    else
        rm -f "$install/current.new"
        ln -s "$1" "$install/current.new" && mv -Tf "$install/current.new" "$install/current"
    fi && flush "$install"
}

is_version() {
    case $1 in
        *[!0-9.]* | .* | *. | *..* | *.*.*.*) return 1 ;;
        *.*.*) return 0 ;;
        *) return 1 ;;
    esac
}

is_older() { # is_older A B: A.B.C as numbers
    local old_rest="$1." new_rest="$2."
    while [ -n "$old_rest" ]; do
        [ "${old_rest%%.*}" -lt "${new_rest%%.*}" ] && return 0
        [ "${old_rest%%.*}" -gt "${new_rest%%.*}" ] && return 1
        old_rest=${old_rest#*.} new_rest=${new_rest#*.}
    done
    return 1
}
