"""Clients that others wrote, as users of a deployed site."""
