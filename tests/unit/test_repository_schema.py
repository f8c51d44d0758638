"""Every setting says what it means, what it may be and what it is by default."""

import jsonschema
import yaml

from tests import repository

SCHEMA = yaml.safe_load((repository.ROOT / "salt/mattermost/schema.yaml").read_text())


def parts(schema=SCHEMA, trail=()):
    """Yield each setting and section as its key and its part of the schema."""
    for name, part in schema.get("properties", {}).items():
        yield ":".join([*trail, name]), part
        yield from parts(part, (*trail, name))


def test_the_schema_is_a_json_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_each_setting_has_a_meaning_in_sentences():
    poor = [key for key, part in parts() if not part.get("description", "").rstrip(")").endswith(".")]
    assert poor == []


def test_each_setting_has_a_type_and_a_default():
    assert [key for key, part in parts() if "default" not in part or not {"type", "enum"} & set(part)] == []


def test_each_default_is_valid():
    wrong = {
        key: [error.message for error in jsonschema.Draft202012Validator(part).iter_errors(part["default"])]
        for key, part in parts()
    }
    assert {key: errors for key, errors in wrong.items() if errors} == {}


def test_each_section_refuses_names_it_does_not_know():
    """A mistyped setting is an error, never silently without effect; `platform` may be given any fact."""
    open_sections = [
        key for key, part in parts() if "properties" in part and part.get("additionalProperties") is not False
    ]
    assert open_sections == []


def test_each_number_of_something_names_its_unit():
    """Ports are numbers of nothing."""
    numbers = [key for key, part in parts() if part.get("type") in ("integer", "number") and "x-unit" not in part]
    assert [key for key in numbers if not key.endswith("port")] == []


def test_each_password_is_marked_secret():
    assert [key for key, part in parts() if "password" in key and not part.get("x-secret")] == []


def test_no_default_is_a_secret():
    assert [key for key, part in parts() if part.get("x-secret") and part["default"]] == []


def patterns(part, key="mattermost"):
    """Yield every part of the schema that has a pattern, with its key."""
    if "pattern" in part:
        yield key, part
    for name, inner in part.items():
        if isinstance(inner, dict):
            yield from patterns(inner, f"{key}:{name}")


def test_each_pattern_is_told_in_words():
    assert len(list(patterns(SCHEMA))) > 25
    assert [key for key, part in patterns(SCHEMA) if len(part.get("x-form", "").split()) < 2] == []
