# That an undo has begun, and why. On a full disk it goes on all the same, and an empty file says that it has begun: else a start after a kill
# would go on with the change.

note_undo() { is_undoing || record undo "$1" || mark "$own/undo"; } # note_undo REASON

is_undoing() { recorded undo || [ -e "$own/undo" ]; }

undo_reason() { # undo_reason CHANGE
    local reason
    reason=$(sed -n 's/^undo //p' "$journal" | head -n 1)
    say "${reason:-$1 failed, and the reason could not be written to $journal.}"
}
