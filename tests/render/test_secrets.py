"""Secrets that a user gives: planted in the pillar, then looked for in what every state is told."""

import base64
import copy
import functools

from tests.render import compiler


def plant(schema, trail=()):
    """Return a pillar with a value of its own for each secret of the schema, and those values."""
    pillar, values = {}, []
    for name, part in schema.get("properties", {}).items():
        here = (*trail, name)
        if part.get("x-secret"):
            value = "planted-" + "-".join(here)
            values.append(value)
            pillar[name] = {"MM_PLANTED": value} if part["type"] == "object" else value
        elif "properties" in part:
            inner, more = plant(part, here)
            if inner:
                pillar[name] = inner
            values += more
    return pillar, values


def planted():
    schema = compiler.yaml.safe_load((compiler.TREE / "schema.yaml").read_text())
    pillar, values = plant(schema)
    merged = copy.deepcopy(compiler.PILLAR)
    merged["mattermost"].update(pillar)
    return merged, values


@functools.cache
def low_data_with_secrets(platform):
    """Return the low data of all deploy states with secrets planted, and those."""
    pillar, values = planted()
    return compiler.Host(compiler.GRAINS[platform], pillar).low(*compiler.DEPLOY), values


def carries(chunk, values):
    text = str(chunk)
    return [value for value in values if value in text or base64.b64encode(value.encode()).decode()[:-4] in text]


def shows(chunk):
    """Say whether Salt prints what this state changes. States of ours mask secrets; their own tests prove it."""
    if chunk["state"].startswith("mattermost_"):
        return False
    return chunk.get("show_changes", True) is not False


def test_the_schema_marks_secrets():
    pillar, values = planted()
    assert "planted-database-password" in values
    assert pillar["mattermost"]["server"]["environment"] == {"MM_PLANTED": "planted-server-environment"}


def test_no_state_that_shows_its_changes_is_told_a_secret(platform):
    low, values = low_data_with_secrets(platform)
    assert [
        f"{chunk['__id__']}: {carries(chunk, values)}" for chunk in low if shows(chunk) and carries(chunk, values)
    ] == []


def test_files_with_secrets_are_private(platform):
    low, values = low_data_with_secrets(platform)
    files = [chunk for chunk in low if chunk["state"] == "file" and carries(chunk, values)]
    assert [chunk["__id__"] for chunk in files if chunk.get("mode") not in ("0600", "0640", "0400")] == []


def test_no_command_line_carries_a_secret(platform):
    low, values = low_data_with_secrets(platform)
    assert [chunk["__id__"] for chunk in low if chunk["state"] in ("cmd", "module") and carries(chunk, values)] == []


def test_no_orchestration_carries_a_secret(orchestration):
    pillar, values = planted()
    low = compiler.compile_orchestration(orchestration, pillar)
    assert [chunk["__id__"] for chunk in low if carries(chunk, values)] == []
