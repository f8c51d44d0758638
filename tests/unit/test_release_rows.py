"""The checksum table as text, and the sums on the vendor's page."""

import pytest
import yaml

from tests import repository
from tests.unit.test_release_table import NAME, PAGE, SUM, TABLE, B
from tools.release import __main__ as program
from tools.release import table, vendor


@pytest.mark.parametrize(
    ("version", "before"),
    [("12.0.1", "  11.10.1:"), ("11.9.0", "  # about the next"), ("11.8.1", "  9.11.0:"), ("9.5.0", "arm64:")],
)
def test_a_row_goes_to_its_place_and_everything_else_stays(version, before):
    made = table.with_row(TABLE, "amd64", version, SUM, "why")
    row = f"  {version}: {SUM}  # why\n"
    assert made.replace(row, "") == TABLE
    assert made.split(row)[1].startswith(before)
    assert yaml.safe_load(made)["amd64"][version] == SUM


def test_the_last_architecture_and_a_new_one_get_their_rows():
    made = table.with_row(TABLE, "arm64", "11.6.0", SUM, "")
    assert made == TABLE + f"  11.6.0: {SUM}\n"
    made = table.with_row(TABLE, "riscv64", "11.6.0", SUM, "")
    assert yaml.safe_load(made)["riscv64"] == {"11.6.0": SUM}


def test_the_same_row_again_changes_nothing():
    assert table.with_row(TABLE, "amd64", "11.8.5", B, "again") == TABLE


def test_another_sum_for_a_known_release_is_refused():
    with pytest.raises(table.TableError, match="one of these two checksums is not the vendor's"):
        table.with_row(TABLE, "amd64", "11.8.5", SUM, "")


def test_the_trees_own_table_takes_a_row():
    text = repository.text(program.TABLE.relative_to(repository.ROOT))
    made = table.with_row(text, "amd64", "99.0.0", SUM, "why")
    rows = yaml.safe_load(made)
    assert rows["amd64"].pop("99.0.0") == SUM
    assert rows == yaml.safe_load(text)
    assert next(iter(yaml.safe_load(made)["amd64"])) == "99.0.0"


def test_the_vendors_page_is_read():
    assert vendor.published(PAGE, NAME) == {SUM}
    assert vendor.published(PAGE, NAME.replace("11.8.6", "11.8.5")) == {"2" * 64}
    assert vendor.published(PAGE, NAME.replace("amd64", "arm64")) == set()
