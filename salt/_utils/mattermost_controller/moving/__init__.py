"""From one host to another."""
