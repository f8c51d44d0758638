"""One broken pillar per fault (broken/NAME.sls), each with the exact sentences that the user reads.

Comments of such a file: ``expected:`` one whole sentence, ``expected-start:`` its beginning where the end lists data;
``grains:`` and ``options:`` (roster ``minion_opts``) as YAML mappings where the fault is not in the pillar.
"""

import jsonschema
import pytest
import yaml

from tests.render import compiler

FOLDER = compiler.ROOT / "tests" / "render" / "broken"
FILES = sorted(FOLDER.glob("*.sls"))
SCHEMA = yaml.safe_load((compiler.TREE / "schema.yaml").read_text())
# JSON Schema words that say what is allowed; the others describe.
CONSTRAINTS = {"type", "enum", "minimum", "maximum", "pattern", "additionalProperties"}


def comments(path, word):
    start = f"# {word}: "
    return [line.removeprefix(start) for line in path.read_text().splitlines() if line.startswith(start)]


def faults(path):
    """Return what the first line of any SLS answers to this pillar, one sentence a fault."""
    grains = [yaml.safe_load(text) for text in comments(path, "grains")] or [compiler.GRAINS["Debian-12"]]
    options = {key: value for text in comments(path, "options") for key, value in yaml.safe_load(text).items()}
    host = compiler.Host(grains[0], yaml.safe_load(path.read_text()), options)
    with pytest.raises(ValueError, match="."):  # noqa: PT011 (the class is the core's own, imported by Salt's loader)
        host.settings()
    try:
        host.settings()
    except ValueError as error:
        return error.faults


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_pillar_is_answered_with_its_sentence(path):
    found = faults(path)
    starts = comments(path, "expected-start")
    assert [text for text in found if not text.startswith(tuple(starts) or ("\0",))] == comments(path, "expected")
    assert [start for start in starts if not any(text.startswith(start) for text in found)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_broken_pillar_expects_something(path):
    assert comments(path, "expected") + comments(path, "expected-start")


def test_the_user_reads_the_sentence_when_an_sls_is_applied():
    if not compiler.DEPLOY:
        pytest.skip("no deploy state yet")
    host = compiler.Host(compiler.GRAINS["Debian-12"], {"mattermost": {"relase": {}}})
    with pytest.raises(compiler.CompileError) as caught:
        host.low(compiler.DEPLOY[0])
    assert "mattermost:relase is not a setting. Did you mean release?" in str(caught.value)


def test_every_kind_of_constraint_has_a_broken_pillar():
    used = set()

    def walk(part):
        used.update(CONSTRAINTS & set(part))
        for inner in part.get("properties", {}).values():
            walk(inner)

    walk(SCHEMA)
    pillars = [yaml.safe_load(path.read_text())["mattermost"] for path in FILES]
    broken = {
        error.validator for pillar in pillars for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(pillar)
    }
    assert used - broken == set()
