"""The hosts of a run: who they are, how to reach them, what they are."""
