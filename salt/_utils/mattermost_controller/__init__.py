"""Python that only the controller runs: one folder a subject. Salt ships nothing of it to a host; see the README beside it."""
