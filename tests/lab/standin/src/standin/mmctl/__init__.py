"""``mmctl``: the administrator's command, for the local socket."""
