"""A message says what happened, where, and what to do: at most two lines for each of the two, as the report shows them on 80 columns."""

import ast
import functools
import re

import pytest
from mattermost_controller.reporting import screen, words

from tests import repository
from tests.unit import test_repository_words as spoken

MOST = 2  # lines of what happened, and of what to do
VALUE = "x" * 10  # what a value (a version, a name, a number) counts; a path or host name may be longer
# What is said whole: facts that people weigh, not messages of one fault.
LONGER = (
    r"^(A migration|This is the last line|The message columns|The import of Slack) ",  # what a release changes, before an upgrade
    r"^reason=.*Going back from ",  # what a way back would lose, asked for by a dry run
    r"^Backup .* users, ",  # what a backup has in it
)
VERIFY = [path for path in repository.tracked() if path.parts[-2:-1] == ("verify",) and path.suffix == ".py"]
COMMAND = re.compile(
    r"\b(DEPLOY|VERIFY|BACKUP|LOGS|NGINX_LOGS|SERVER_BLOCKS|AGAIN|salt-run|systemctl|journalctl|certbot|ss -ltnp)\b"
)
SETTING = re.compile(r"mattermost:[a-z_]+")


def shown(text):
    """Return how many lines of the report a message takes: for what happened, and for what to do."""
    text = text.replace('\\"', '"')
    is_fix = re.match(rf"({words.VERBS.lower()}|do not|find|bring) (?!:)", text)
    text = re.sub(r"\$\{?\w+\}?|…|\{\w+\}", VALUE, text)
    text = re.sub(rf"(?<={VALUE}) (?=[A-Z])", ". ", text)  # a value before a new sentence is a reason, which is one
    style = screen.Style()
    what, fix = words.what_and_fix(text)
    if is_fix:
        what, fix = "", text
    return len(style.wrap(what, "Failed: ")), len(style.wrap(fix, "Fix:    "))


@functools.cache
def messages(path):
    """Return the sentences that a file of the product says: no script, no statement, no list of words."""
    extract = spoken.speaker(path)
    texts = extract(repository.text(path))
    return [text for text in texts if "\n" not in text and text[0] != "#" and re.search(r"[.:,](\s|$)", text)]


PATHS = [
    path
    for path in spoken.SPEAKERS
    if path.parts[0] == "salt" and spoken.speaker(path) in (spoken.spoken_by_python, spoken.spoken_by_sh)
]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_message_takes_two_lines_and_what_to_do_two_more(path):
    texts = [text for text in messages(path) if not any(re.search(longer, text) for longer in LONGER)]
    assert {text: lines for text in texts if max(lines := shown(text)) > MOST} == {}


def test_what_is_longer_is_there_and_is_longer():
    texts = [text for path in PATHS for text in messages(path) if max(shown(text)) > MOST]
    assert [longer for longer in LONGER if not any(re.search(longer, text) for text in texts)] == []


def test_there_are_messages_of_every_kind():
    assert sum(len(messages(path)) for path in PATHS) > 1000
    for name in (
        "preflight/machine.py",
        "verify/web.py",
        "moving/plan.py",
        "_states/mattermost_database.py",
        "/back.sh",
    ):
        assert any(str(path).endswith(name) and messages(path) for path in PATHS), name


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"It {'is very ' * 25}bad.", (3, 1)),
        (f"It is bad. Set {'one and ' * 25}two.", (1, 3)),
        (f"It is bad for once: set {'one and ' * 25}two.", (1, 3)),
        (f"set {'one and ' * 25}two.", (1, 3)),
        ("It is bad: … Set it.", (1, 1)),
    ],
)
def test_a_planted_long_message_is_found(text, lines):
    assert shown(text) == lines


def fixes(source):
    """Return what the findings of a module say that people should do, as it is written there."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [node for node in calls if getattr(node.func, "id", "") in ("refusal", "warning", "_judged")]
    return [ast.unparse(node.args[-1]) for node in named if len(node.args) > 2]


@pytest.mark.parametrize("path", VERIFY, ids=str)
def test_what_a_verification_says_to_do_has_the_command_or_the_setting(path):
    without = [fix for fix in fixes(repository.text(path)) if not (COMMAND.search(fix) or SETTING.search(fix))]
    assert [fix for fix in without if fix not in ("fix", "''")] == []


def test_a_fix_without_a_command_is_found():
    assert fixes('refusal("page", "It is bad.", "apply mattermost.deploy.server.")') == [
        "'apply mattermost.deploy.server.'"
    ]
    assert not COMMAND.search("'apply mattermost.deploy.server.'")
