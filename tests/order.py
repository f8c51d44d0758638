"""What takes long begins first, so that no worker begins it when the others have nothing left: a plugin of the Makefile's runs."""

from __future__ import annotations

# they start thousands of processes, and wait for some
LONG = ("tests/unit/hostprogram/", "tests/unit/properties/")


def pytest_collection_modifyitems(items):
    among(items, lambda item: item.nodeid.startswith("tests/unit/"), lambda item: not item.nodeid.startswith(LONG))


def among(items, ours, key) -> None:
    """Sort those of *items* that the predicate *ours* names by *key*, in the places that they have together."""
    places = [number for number, item in enumerate(items) if ours(item)]
    for number, item in zip(places, sorted((items[number] for number in places), key=key)):
        items[number] = item
