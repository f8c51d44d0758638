"""Whether a deployed site is what was promised."""
