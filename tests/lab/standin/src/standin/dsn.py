"""Data source names: what libpq does not know of the server's own options, and its errors in the server's words."""

from __future__ import annotations

import re

# Options of the Go driver: libpq refuses names that it does not know.
FOREIGN_OPTIONS = (
    "binary_parameters",
    "default_query_exec_mode",
    "statement_cache_capacity",
    "description_cache_capacity",
)


def for_libpq(source: str) -> str:
    """Return *source* without the Go driver's own options."""
    head, mark, query = source.partition("?")
    if not mark:
        return source
    kept = [item for item in query.split("&") if item.split("=", 1)[0] not in FOREIGN_OPTIONS]
    return head + ("?" + "&".join(kept) if kept else "")


def error_text(error: Exception) -> str:
    """Say *error* of libpq as the real server's log does."""
    text = str(error).strip()
    fatal = re.search(r"FATAL:\s+(.*)", text)
    if fatal:
        return f"pq: {fatal.group(1).strip()}"
    if "Connection refused" in text:
        match = re.search(r'at "([^"]+)", port (\d+)', text)
        return (
            f"dial tcp {match.group(1)}:{match.group(2)}: connect: connection refused"
            if match
            else "connect: connection refused"
        )
    if "No such file or directory" in text:
        return "dial unix: connect: no such file or directory"
    if isinstance(error, TimeoutError) or "timeout expired" in text:
        return "context deadline exceeded"
    return f"pq: {text.splitlines()[0].removeprefix('ERROR: ').strip()}" if text else error.__class__.__name__
