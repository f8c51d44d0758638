"""The linters that the Makefile does not call: Salt, shell, YAML."""

import ast
import hashlib
import re

import pytest

from tests import programs, repository

# no scripts of their own: these are joined
PARTS = [path for path in repository.scripts() if re.search(r"\.parts/|deploy/common/|\.jinja$", str(path))]

RULES = ("--rcfile", str(repository.ROOT / ".shellcheckrc"))
PASSED = repository.ROOT / ".lab/cache/linted"
# what a linter is: the versions, and its rules
LINTERS = [
    (repository.ROOT / name).read_bytes()
    for name in ("etc/venv/requirements.lock", ".shellcheckrc", ".yamllint", ".salt-lint")
]


def lint(tool, *arguments, files):
    """Have *tool* read *files*, but for those that it passed before as they are."""
    texts = [text for path in files for text in (path.name.encode(), (repository.ROOT / path).read_bytes())]
    read = [tool.encode(), *(word.encode() for word in arguments), *LINTERS, *texts]
    passed = PASSED / hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in read)).hexdigest()
    if passed.exists():
        return
    result = repository.run(str(repository.BIN / tool), *arguments, *map(str, files))
    assert result.returncode == 0, result.stdout + result.stderr
    PASSED.mkdir(parents=True, exist_ok=True)
    passed.touch()


def test_what_passed_is_read_again_once_it_is_another(tmp_path):
    script = tmp_path / "script"
    for text, passes in (
        ("#!/bin/sh\necho a\n", True),
        ("#!/bin/sh\necho $a\n", False),
        ("#!/bin/sh\necho $a\n", False),
    ):
        script.write_text(text)
        if passes:
            lint("shellcheck", *RULES, files=[script])
        else:
            with pytest.raises(AssertionError, match="SC2154"):
                lint("shellcheck", *RULES, files=[script])


def test_sls_and_templates():
    files = repository.with_suffix(".sls", ".jinja")
    lint("salt-lint", files=[path for path in files if "tests" not in path.parts])


def test_shell_scripts():
    lint("shellcheck", *RULES, files=[path for path in repository.scripts() if path not in PARTS])


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_programs_that_are_kept_in_parts(name, tmp_path):
    lint("shellcheck", *RULES, files=[programs.installed(name, tmp_path)])


@pytest.mark.parametrize("name", programs.SENT)
def test_scripts_as_they_are_sent_to_a_host(name, tmp_path):
    script = tmp_path / "script"
    script.write_text(programs.sent(name))
    lint("shellcheck", *RULES, files=[script])


@pytest.mark.parametrize(
    "path", [path for path in repository.scripts() if path.parts[0] == "salt" and path not in PARTS], ids=str
)
def test_what_runs_on_a_host_is_posix_sh(path):
    """A host may have no bash. A script that is fed to sh has no shebang, but says what it is to the linter."""
    assert repository.text(path).startswith(("#!/bin/sh\n", "# shellcheck shell=sh\n"))


def test_plain_yaml():
    files = [path for path in repository.with_suffix(".yaml", ".yml") if "snapshots" not in path.parts]
    lint("yamllint", "--strict", files=files)


def test_salts_own_yaml():
    """Here booleans are written as in SLS: True and False."""
    names = ("Saltfile", "etc/salt/master", "roster.example", "pillar/top.sls", "pillar/mattermost.sls.example")
    rules = "{extends: .yamllint, rules: {truthy: {allowed-values: ['True', 'False']}}}"
    lint("yamllint", "--strict", "-d", rules, files=[path for path in repository.tracked() if str(path) in names])


def assigned_before_a_function(text):
    """Return the calls ``X=1 function``: bash before 5 keeps X afterwards, dash and later ones do not."""
    names = "|".join(re.findall(r"^(\w+)\(\)", text, re.MULTILINE))
    return (
        re.findall(rf"(?:^|[\s;&|(!])(\w+=(?:\"[^\"]*\"|[^\s;&|()'\"]*)[ \t]+(?:{names}))(?=[\s;&|)])", text)
        if names
        else []
    )


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_no_function_of_a_host_program_is_called_behind_an_assignment(name, tmp_path):
    assert assigned_before_a_function(programs.installed(name, tmp_path).read_text()) == []


def test_an_assignment_before_a_function_is_found():
    assert assigned_before_a_function('ask() { :; }\nif X="a b" ask one; then :; fi\n') == ['X="a b" ask']
    assert assigned_before_a_function("ask() { :; }\nX=1\nask\nX=1 other\n") == []


@pytest.mark.parametrize("path", [path for path in repository.with_suffix(".py") if path.parts[0] == "salt"], ids=str)
def test_what_a_host_says_is_taken_apart_at_newlines_alone(path):
    """splitlines() ends a line at a form feed and at U+2028 too, and so lets logs and paths write lines of their own."""
    assert ".splitlines(" not in repository.text(path), "Use mattermost_lines.lines_of."


@pytest.mark.parametrize("path", [path for path in repository.with_suffix(".py") if path.parts[0] == "salt"], ids=str)
def test_no_byte_that_a_program_prints_is_a_crash(path):
    """A log that is cut within a character, or a name that is no UTF-8, is read as far as it can be read."""
    calls = [
        node
        for node in ast.walk(ast.parse(repository.text(path)))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("run", "Popen", "check_output")
    ]
    strict = [
        node.lineno
        for node in calls
        if (names := {word.arg for word in node.keywords}) & {"text", "universal_newlines", "encoding"}
        and "errors" not in names
    ]
    assert strict == [], 'Call mattermost_subprocess.run, or write errors="replace".'
