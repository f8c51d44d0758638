"""What the programs ask for the newest message takes no time to prepare."""

import subprocess

from tests import programs

# stands in for psql: keeps what it is asked
ASKED = """
as_role() { cat >"$scratch/asked"; }
scratch=$1
newest_post mattermost
"""


def test_the_question_is_not_compiled(tmp_path):
    functions = programs.joined("mattermost-switch").partition("# ---- the command")[0]
    done = subprocess.run(["sh", "-c", functions + ASKED, "sh", tmp_path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "- -\n")
    before, _, asked = (
        (tmp_path / "asked").read_text().partition("SELECT count(set_config(name, 'off', false)) AS compiled")
    )
    assert "enable_seqscan" in before
    assert asked.startswith(" FROM pg_settings WHERE name = 'jit' \\gset\n")
    assert "FROM posts" in asked
