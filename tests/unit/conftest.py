"""For the tests of single modules."""

import pytest
from mattermost_controller.findings import Finding


@pytest.fixture(autouse=True, scope="session")
def each_finding_has_a_sentence():
    """Its sentence is often a part of another message, which is taken apart: one that no longer fits would leave nothing."""
    made = Finding.__new__

    def checked(cls, check, level, sentence, fix=""):
        assert not sentence or any(map(str.isalnum, sentence)), (check, level, sentence, fix)
        return made(cls, check, level, sentence, fix)

    Finding.__new__ = checked
    yield
    Finding.__new__ = made
