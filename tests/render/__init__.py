"""Render tier: every SLS on every platform, in process, without a host."""
