"""What minions tell while they apply states, as events of their master's bus; lost ones are only missed on the screen."""

from __future__ import annotations

import contextlib
import threading

import mattermost_progress

MOST = 500  # lines of one event
LONGEST = 2000  # characters of a line
WAIT = 1  # seconds


@contextlib.contextmanager
def heard(opts: dict, host_ids: list[str], on_event):
    """While this is entered, call ``on_event(host_id, event)`` for each state that one of *host_ids* tells of. opts: the master's. on_event: or None."""
    ended = threading.Event()
    if on_event:
        listening = threading.Thread(target=_listen, args=(opts, set(host_ids), on_event, ended), daemon=True)
        listening.start()
    try:
        yield
    finally:
        ended.set()
        if on_event:
            listening.join(3 * WAIT)


def _listen(opts: dict, host_ids: set, on_event, ended: threading.Event) -> None:
    import salt.utils.event
    from salt.exceptions import SaltException

    with contextlib.suppress(OSError, SaltException):  # the jobs themselves say what is wrong with the master
        with salt.utils.event.get_event("master", sock_dir=opts["sock_dir"], opts=opts, listen=True) as bus:
            while not ended.is_set():
                for host_id, event in events(bus.get_event(wait=WAIT, tag=mattermost_progress.TAG), host_ids):
                    on_event(host_id, event)


def events(told, host_ids: set) -> list[tuple[str, dict]]:
    """Return the host and each event of what came over the bus; none of what a host of this run would not send."""
    told = told if isinstance(told, dict) else {}
    data, host_id = told.get("data"), told.get("id")
    lines = data.get("lines") if isinstance(data, dict) else None
    if not isinstance(host_id, str) or host_id not in host_ids or not isinstance(lines, list):
        return []
    found = [mattermost_progress.decode(line[:LONGEST]) for line in lines[:MOST] if isinstance(line, str)]
    return [(host_id, event) for event in found if event is not None]
