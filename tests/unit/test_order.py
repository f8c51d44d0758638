from pathlib import Path

from tests import order


def test_what_takes_long_comes_first_in_the_places_that_its_kind_has():
    items = ["host", "short 1", "render", "long 1", "short 2", "long 2"]
    order.among(items, lambda item: item[-1].isdigit(), lambda item: not item.startswith("long"))
    assert items == ["host", "long 1", "render", "long 2", "short 1", "short 2"]


def test_only_tests_on_hosts_are_tried_again(request):
    left_alone = [Path(folder).name for folder in request.config.getoption("rerun_exclude_path")]
    assert {"unit", "attack", "config", "render", "engine", "conformance"} <= set(left_alone)
    assert not {"scenarios", "lab_self"} & set(left_alone)
