"""Whether a host fits the settings, judged before anything changes."""
