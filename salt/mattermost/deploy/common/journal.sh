# The journal: each step is a line of it, on disk, before the next one begins. What is found open at a start is ended by whatever
# program is installed then, an older or a newer one than wrote it: words that are in use keep their meaning.

begin() { # begin WORDS: the first line
    local file
    for file in "$0" "$settings_file"; do # a deploy may have written them just now, and after a power cut they must be there
        [ ! -e "$file" ] || { flush "$file" && flush "$(dirname "$file")"; } || return 1
    done
    rm -f "$own/undo"
    record begin "$@"
}

record() { # record WORDS: one line more
    local line
    line=$(one_line "$*")
    say "$line"
    { { [ ! -e "$journal" ] || cat "$journal"; } && say "$line"; } >"$journal.new" && publish "$journal"
}

recorded() { grep -q "^$1\( \|\$\)" "$journal" 2>/dev/null; }
