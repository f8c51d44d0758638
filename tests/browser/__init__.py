"""A person's browser on a deployed site."""
