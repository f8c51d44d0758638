"""What people give to a run beside settings: the command that they type, and the files that they write. Judged before Salt reads any of it."""
