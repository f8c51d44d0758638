"""From a server that was set up otherwise."""
