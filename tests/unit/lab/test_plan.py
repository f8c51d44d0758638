"""The lab's names and addresses."""

import pytest

from tests.lab import claim
from tests.lab.plan import INSTANCES, LAST_HOST, Instance, check_host_name, free_octet


def test_instances_share_neither_network_nor_mark():
    instances = [Instance(number) for number in INSTANCES]
    assert len({instance.network for instance in instances}) == len(instances)
    assert len({instance.mark for instance in instances}) == len(instances)


@pytest.mark.parametrize("number", [0, 15])
def test_every_link_name_fits_the_kernel(number):
    assert len(Instance(number).link(LAST_HOST)) <= 15


@pytest.mark.parametrize(
    ("address", "held"),
    [("10.203.3.11", True), ("10.203.3.1", False), ("10.203.4.11", False), ("192.0.2.9", False), ("chat", False)],
)
def test_only_hosts_of_the_own_network_count_as_lab_hosts(address, held):
    assert Instance(3).holds(address) is held


def test_a_new_host_gets_the_lowest_free_address():
    assert free_octet({11, 12, 14}) == 13


def test_an_address_is_not_given_again_at_once():
    assert free_octet({11}, last=12) == 13
    assert free_octet({11}, last=LAST_HOST) == 12


def test_a_full_network_is_an_error():
    with pytest.raises(ValueError, match="taken"):
        free_octet(set(range(11, LAST_HOST + 1)))


@pytest.mark.parametrize("name", ["", "Chat", "1st", "a_b", "a/b", "../x", "x" * 40])
def test_odd_host_names_are_refused(name):
    with pytest.raises(ValueError, match="no lab host name"):
        check_host_name(name)


def choose(remembered=None, owners=None, alive=(), busy=()):
    return claim.choose(remembered, owners or {}, lambda owner, number: owner in alive, set(busy), "me")


def test_the_first_free_instance_is_taken():
    assert choose(owners={0: "a", 1: "b"}, alive=("a", "b")) == 2


def test_a_checkout_keeps_its_instance():
    assert choose(remembered=5, owners={5: "me"}) == 5
    assert choose(remembered=5) == 5


def test_a_checkout_that_forgot_its_instance_gets_it_back():
    assert choose(owners={3: "me"}) == 3


def test_an_instance_that_another_took_over_is_given_up():
    assert choose(remembered=0, owners={0: "other"}, alive=("other",)) == 1


def test_the_instance_of_a_vanished_checkout_is_free():
    assert choose(owners={0: "gone"}) == 0


def test_a_subnet_in_use_elsewhere_is_avoided():
    assert choose(busy=(0, 1)) == 2


def test_no_instance_is_left():
    owners = {number: f"lab{number}" for number in INSTANCES}
    assert choose(owners=owners, alive=set(owners.values())) is None
