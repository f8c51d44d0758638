"""The tests and the lab they run in."""
