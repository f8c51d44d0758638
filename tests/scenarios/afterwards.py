"""What a scenario asks of a run and of the probe that went on beside it."""

from __future__ import annotations


def noticed(report):
    """Return the losses that a user notices.

    A reload ends the old workers, and they close client connections that are idle just then; nginx can hold them open
    only from 1.27.4. Browsers open another one by themselves (RFC 9112, 9.3.1), and ask again there what was on its way
    (the probe does both). Each other loss counts: a new connection, an answer begun, the websocket, the upload.
    """
    return [loss for loss in report.lost if (loss.source, loss.kind) != ("kept", "reconnect")]


def state(run, name):
    assert name in run.states, run
    return run.states[name]
