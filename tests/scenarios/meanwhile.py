"""Something that is done again and again beside a test, in a thread."""

from __future__ import annotations

import itertools
import threading


class Meanwhile:
    """While it is entered, `step` is called again and again, with 1, 2, 3 …; one object can be entered once."""

    def __init__(self):
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def step(self, number: int) -> None:
        raise NotImplementedError

    def _work(self):
        for number in itertools.count(1):
            if self._over.is_set():
                return
            self.step(number)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(30)
