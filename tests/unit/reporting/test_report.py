"""The report at the end of an orchestration: what it tells, in which order, and what never reaches the terminal."""

import pytest
from mattermost_answer import answer
from mattermost_controller.reporting import screen, words
from mattermost_controller.stages import stage
from mattermost_controller.status import drift

from tests.unit.reporting.steps import checked, not_reached, of_stage, part, rendered

CHAT = "chat.example.test"
OTHERS = ["a.example.test", "b.example.test", "c.example.test", "d.example.test"]
RUNS = part("server-runs-the-wanted-version", "mattermost_service.running", changes={"version": "11.7.3"})
RUNS["comment"] = "Mattermost 11.7.3 runs and is healthy."


def passed(count=28, host=CHAT):
    return checked({host: [("disk", "ok", "12 GB free.", "")] * count})


def test_a_run_without_changes_is_a_few_lines():
    out, failed = rendered([passed(), *(of_stage(name, {CHAT: [part("x")]}) for name in ("database", "server"))])
    assert out == [
        "chat.example.test (192.0.2.7)",
        "  preflight  28 checks passed                                              0.7 s",
        "  2 stages: nothing to change",
        "",
        "Done in 4.7 s: nothing changed.",
    ]
    assert failed == []


def test_a_change_is_told_in_the_words_of_the_state_and_the_rest_is_counted():
    files = [part(name, changes={"diff": "New file"}) for name in ("a", "b", "c")]
    out, _ = rendered([of_stage("server", {CHAT: [*files, RUNS]})])
    assert out[1:4] == [
        "  server  Mattermost 11.7.3 runs and is healthy.                           2.0 s",
        "          3 files written",
        "",
    ]
    assert out[-1] == "Done in 2.0 s."


def test_a_dry_run_reads_the_same_way():
    would = part("packages-are-installed", "pkg.installed", None, {"installed": {"nginx": {}, "restic": {}}})
    out, _ = rendered(
        [of_stage("packages", {CHAT: [would, part("f", result=None, name="/etc/f")]}, test=True)], test=True
    )
    assert "would install 2 packages; would write /etc/f" in out[1]
    assert out[-1] == "Dry run, 2.0 s: nothing was changed."


def test_a_dry_run_without_changes_says_that_nothing_would_be():
    out, _ = rendered([of_stage("server", {CHAT: [part("x")]}, test=True)], test=True)
    assert out[-1] == "Dry run, 2.0 s: nothing was changed, and a real run would change nothing."


def failing(comment, function="mattermost_service.running", changes=None):
    return of_stage("server", {CHAT: [part("server-runs", function, False, changes, comment)]})


def test_a_failure_is_last_with_host_stage_reason_and_what_to_do():
    out, failed = rendered(
        [passed(), failing("It stopped while it started. Read journalctl -u x."), not_reached("verify")]
    )
    assert failed == [
        "Failed after 2.7 s. Not reached: verify.",
        "Failed: chat.example.test: server: It stopped while it started.",
        "Fix:    read journalctl -u x.",
    ]
    assert [line for line in out if "stopped" in line or "Done" in line] == []


def test_of_a_long_error_two_lines_are_told_and_where_the_rest_is():
    noise = "\n".join(f"line {number}" for number in range(40))
    _, failed = rendered([failing('Command "make" run', "cmd.run", {"stderr": f"{noise}\nlast words", "stdout": ""})])
    assert failed[1] == 'Failed: chat.example.test: server: "Server runs" failed: line 39 last words'
    assert "line 38" not in "".join(failed)
    assert failed[-1] == "Details: salt.log. To see every step, run the same command again with -l debug."


def test_a_traceback_is_never_shown():
    text = (
        "An exception occurred in this state: Traceback (most recent call last):\n  File \"x\", line 1\nKeyError: 'a'"
    )
    _, failed = rendered([failing(text)])
    assert "Traceback" not in "".join(failed)
    assert "KeyError:" in "".join(failed)


@pytest.mark.parametrize("answer", [[], "ssh: connect to host chat port 22: Connection refused"])
def test_a_host_that_returned_nothing_for_a_stage_failed(answer):
    _, failed = rendered([of_stage("server", {CHAT: answer})])
    assert failed[1].startswith("Failed: chat.example.test: server: ")


def test_a_refused_preflight_names_each_check_with_its_fix():
    found = [
        ("disk", "ok", "12 GB free.", ""),
        ("ports", "refusal", "Port 80 is used by apache2 (pid 611).", "stop apache2."),
        ("settings", "refusal", "mattermost:backup:schedule is no time of day.", "set it to 03:00."),
    ]
    out, failed = rendered([checked({CHAT: found}, False), not_reached("server")])
    assert out == []
    assert failed == [
        "Refused before anything was changed: 2 of 3 checks.",
        "",
        "chat.example.test",
        "  ports     Port 80 is used by apache2 (pid 611).",
        "            Fix: stop apache2.",
        "  settings  mattermost:backup:schedule is no time of day.",
        "            Fix: set it to 03:00.",
    ]


def test_a_failed_verification_does_not_say_that_nothing_was_changed():
    steps = [failing_free(), checked({CHAT: [("page", "refusal", "502.", "look.")]}, False, "verify")]
    assert rendered(steps)[1][0] == "Failed: 1 of 1 checks."


def failing_free():
    return of_stage("server", {CHAT: [RUNS]})


def test_an_orchestration_of_one_step_tells_every_check():
    out, _ = rendered(
        [checked({CHAT: [("disk", "ok", "12 GB free.", ""), ("clock", "warning", "3 s off.", "set it.")]})]
    )
    assert out[1:3] == ["  disk   12 GB free.", "  clock  warning: 3 s off."]
    assert "Warning: chat.example.test: 3 s off. Fix: set it." in out


def test_what_a_step_without_stages_did_is_its_comment():
    step = {"__id__": "backup-is-made", "function": "mattermost_backup.created", "duration": 900.0, "result": True}
    step |= {"changes": {CHAT: "1a2b"}, "comment": f"{CHAT}: Backup 1a2b in its repository: 3 users."}
    out, _ = rendered([passed(), step])
    assert "  backup-is-made  Backup 1a2b in its repository: 3 users.                  0.9 s" in out


def test_the_site_is_told_where_it_was_verified():
    step = checked({CHAT: [("page", "ok", "It is served.", "")] * 30}, name="verify")
    step["sites"] = {CHAT: {"url": "https://chat.example.test", "version": "11.7.3", "certificate": "2027-02-24"}}
    out, _ = rendered([passed(), step])
    assert "https://chat.example.test   Mattermost 11.7.3   certificate until 2027-02-24" in out


def test_many_hosts_are_a_table_with_details_of_those_that_failed():
    hosts = {OTHERS[0]: [RUNS], OTHERS[1]: [part("x")], OTHERS[2]: [part("x")], OTHERS[3]: "ssh: no route to host"}
    out, failed = rendered([of_stage("server", hosts)])
    assert out == [
        "  a.example.test  changed: server",
        "  b.example.test  nothing to change",
        "  c.example.test  nothing to change",
        "  d.example.test  failed at server",
        "",
    ]
    assert failed[0] == "Failed after 2.0 s: 1 changed, 2 unchanged, 1 failed (d.example.test)."
    assert failed[1] == "Failed: d.example.test: server: ssh: no route to host"


def test_what_looked_at_many_hosts_changed_none_of_them():
    hosts = {host: [RUNS if host == OTHERS[0] else part("x")] for host in OTHERS}
    looked = {host: [("disk", "ok", "12 GB free.", "")] for host in OTHERS}
    out, _ = rendered([checked(looked), of_stage("server", hosts), checked(looked, name="verify")])
    assert out[:2] == ["  a.example.test  changed: server", "  b.example.test  nothing to change"]


def dry(function, comment):
    step = {"__id__": "step", "function": function, "duration": 900.0, "result": None, "changes": {}}
    return {**step, "comment": comment}


@pytest.mark.parametrize("comment", ["Would make a backup.", f"{CHAT}: Would make a backup."])
def test_a_dry_run_of_a_step_that_changes_something_does_not_say_that_it_changes_nothing(comment):
    out, _ = rendered([passed(), dry("mattermost_backup.created", comment)], test=True)
    assert out[-1] == "Dry run, 1.6 s: nothing was changed."
    steps = [checked({host: [("disk", "ok", "12 GB free.", "")] for host in OTHERS[:2]})]
    steps.append(dry("mattermost_backup.created", "\n".join(f"{host}: Would make a backup." for host in OTHERS[:2])))
    assert rendered(steps, test=True)[0][-1] == "Dry run, 1.6 s: 2 would change, 0 unchanged, 0 failed."


def test_a_dry_run_that_only_would_look_at_a_host_says_that_it_changes_nothing():
    out, _ = rendered([passed(), dry("mattermost_verify.passed", f"Would verify {CHAT}.")], test=True)
    assert out[-1].endswith("and a real run would change nothing.")


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\x00\rHidden"


@pytest.mark.parametrize("colour", [False, True])
def test_what_a_host_says_never_moves_the_terminal(colour):
    changed = {**RUNS, "comment": ESCAPES}
    steps = [of_stage("server", {CHAT: [changed]}), of_stage("x", {f"evil{ESCAPES}": "gone\x1b[1A"}), failing(ESCAPES)]
    steps.append(checked({CHAT: [(ESCAPES, "refusal", ESCAPES, ESCAPES)]}, False))
    text = "\n".join(line for lines in rendered(steps, colour=colour) for line in lines)
    for code in screen.COLOURS.values():
        text = text.replace(f"\x1b[{code}m", "").replace("\x1b[0m", "")
    assert [char for char in text if not (char.isprintable() or char == "\n")] == []
    assert "\\x1b]0;owned" in text


def test_what_a_host_says_at_length_is_cut():
    flood = "x" * 1_000_000
    out, failed = rendered([of_stage("server", {CHAT: [{**RUNS, "comment": flood}]}), failing(flood)])
    assert len("".join(out + failed)) < 2000
    assert failed[-1].startswith("Details: ")


def test_what_a_host_or_a_site_is_found_to_be_at_length_is_cut():
    """A version, a header, a row of the status: none of them has a limit of its own."""
    flood = "x" * 100_000
    found = checked({CHAT: [("version", "refusal", f"The running version is {flood}.", "")]}, result=False)
    status = {
        **passed(),
        "text": f"{CHAT}: healthy.\n  Mattermost   {flood}\n",
        "sites": {CHAT: {"url": "x", "version": flood}},
    }
    out, failed = rendered([status, found])
    assert len("".join(out + failed)) < 10_000
    assert words.CUT in "".join(out)


def test_secrets_are_masked():
    out, failed = rendered(
        [of_stage("server", {CHAT: [{**RUNS, "comment": "Took hunter22."}]}), failing("hunter22 was wrong")],
        masked=["hunter22", "ab"],
    )
    assert "hunter22" not in "\n".join(out + failed)
    assert "***" in "\n".join(failed)


@pytest.mark.parametrize("before", range(words.LONGEST - 24, words.LONGEST + 1, 4))
def test_a_secret_is_masked_where_a_text_is_cut_in_it(before):
    secret = "hunter22:correct-horse"
    text = f"{'x' * before}{secret} was wrong"
    warned = {**RUNS, "warnings": [text]}
    for steps in ([of_stage("server", {CHAT: [warned]})], [failing(text)]):
        out, failed = rendered(steps, masked=[secret])
        assert "hunt" not in "".join(out + failed)
    tag, asked = "file_|-a_|-a_|-managed", [{"name": "server", "sls": "s"}]
    state = {**part("a", result=False, comment=text[300:]), "__run_num__": 1, "__sls__": "s"}
    dry = drift.from_dry_run({tag: state}, asked)
    assert "hunt" not in screen.Style(masked=[secret]).clean(dry["reason"])


@pytest.mark.parametrize("sign", ["\u200e", "\u202c", "\t", "\x85"], ids=ascii)
def test_a_secret_is_masked_in_the_form_that_a_terminal_gets_too(sign):
    """Who copies a password from a page copies such signs with it; a state's comment has them in their written form."""
    secret = f"hunter{sign}22222"
    comment = answer("x", comment=f"The server refuses {secret}.")["comment"]
    out, _ = rendered([of_stage("server", {CHAT: [{**RUNS, "comment": comment}]})], masked=[secret])
    assert "The server refuses ***." in out[1]


@pytest.mark.parametrize(("columns", "widest"), [(200, 80), (80, 80), (50, 50), (10, 40)])
def test_lines_fit_the_terminal_and_never_take_more_than_80_columns(columns, widest):
    long = {**RUNS, "comment": "words and " * 30}
    steps = [passed(), of_stage("server", {CHAT: [long]}), failing("words and " * 60)]
    assert max(len(line) for lines in rendered(steps, width=columns) for line in lines) <= widest


def test_colours_only_where_the_terminal_shows_them():
    steps = [passed(), of_stage("server", {CHAT: [RUNS]})]
    assert "\x1b" not in "".join(rendered(steps)[0])
    coloured = rendered(steps, colour=True)[0]
    assert coloured[0] == "\x1b[1mchat.example.test (192.0.2.7)\x1b[0m"
    assert coloured[-1] == "\x1b[32mDone in 2.7 s.\x1b[0m"


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("It stopped. See the log.", "It stopped.", "See the log."),
        ("No login. To do: give a password.", "No login.", "give a password."),
        ("The page: Set is a word. It fails.", "The page: Set is a word. It fails.", ""),
        ("It failed", "It failed", ""),
        ("The port is used by apache2: stop it there.", "The port is used by apache2.", "stop it there."),
        ("tar: write error: remove something", "tar: write error: remove something", ""),
        ("One.\nTwo.\nThree.", "One. Two.", ""),
        (
            "It ended. Correct the cause.\nIts first errors:\n  no such column\n  x",
            "It ended. Its first errors: no such column",
            "Correct the cause.",
        ),
        ("", "The command printed nothing.", ""),
    ],
)
def test_what_happened_is_told_apart_from_what_to_do(text, what, fix):
    found = words.explained(text)
    assert (found["what"], found["fix"]) == (what, fix)


def test_a_step_that_finds_several_faults_tells_each():
    faults = [f"Fault {number}." for number in range(5)]
    step = {
        "__id__": "hosts-fit",
        "function": "mattermost_move.compatible",
        "duration": 9.0,
        "result": False,
        "changes": {},
    }
    _, failed = rendered([passed(), {**step, "comment": "\n".join(faults)}])
    assert failed[1:] == ["Failed: hosts-fit: " + " ".join(faults)]


def test_what_a_step_prints_as_it_is_moves_no_terminal_and_tells_no_secret():
    step = {**checked({CHAT: [("disk", "ok", "Free.", "")]}), "text": "host, Debian \x1b[2J hunter22  up\n"}
    out, _ = rendered([step], masked=["hunter22"])
    assert [char for line in out for char in line if not char.isprintable()] == []
    assert "hunter22" not in "\n".join(out)


def test_what_one_host_says_is_not_told_of_another():
    """The end of a move prints what its target says, whose lines may begin like those of a step that tells of each host."""
    moved = {
        "__id__": "moved",
        "function": "mattermost_move.moved",
        "duration": 9.0,
        "result": True,
        "changes": {"new": 1},
    }
    moved["comment"] = f"The server did not answer for 3.0 s.\n{CHAT}: The disk is broken."
    out, _ = rendered([passed(), moved])
    assert "  moved  The server did not answer for 3.0 s.                              0.0 s" in out
    assert f"         {CHAT}: The disk is broken." in out


def test_a_step_that_says_what_it_did_and_changed_nothing_changed_nothing():
    step = {
        "__id__": "drill",
        "function": "mattermost_backup.drilled",
        "duration": 900.0,
        "result": True,
        "changes": {},
    }
    out, _ = rendered([{**step, "report": words.by_host({CHAT: "All of it is there."}, {}), "comment": ""}])
    assert "  drill  All of it is there." in out[1]
    assert out[-1] == "Done in 0.9 s: nothing changed."


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(59_400, "59.4 s"), (59_970, "1 min 0 s"), (61_200, "1 min 1 s"), (239_700, "4 min 0 s")]
)
def test_no_minute_has_sixty_seconds(milliseconds, said):
    out, _ = rendered([of_stage("server", {CHAT: [{**RUNS, "duration": milliseconds}]}) | {"duration": milliseconds}])
    assert out[-1] == f"Done in {said}."


def test_of_a_host_that_broke_off_the_last_lines_count():
    noise = "\n".join(f"debug {number}" for number in range(4))
    _, failed = rendered([of_stage("server", {CHAT: f"{noise}\nOSError: the disk\nis full."})])
    assert "Failed: chat.example.test: server: OSError: the disk is full." in failed
    assert failed[-1].startswith("Details: ")


def test_what_a_state_warns_of_is_told_with_its_host():
    out, _ = rendered([of_stage("server", {CHAT: [{**part("x"), "warnings": ["gone in the next release."]}]})])
    assert "Warning: chat.example.test: gone in the next release." in out


def test_what_an_upgrade_changes_is_told_by_the_run_that_upgrades():
    news = [("downgrade", "note", "Mattermost 10.11.1 will be upgraded to 11.7.3.", "")]
    news += [("upgrade-changes", "note", "11.0: no GitLab.", ""), ("newer-default", "note", "Another one.", "")]
    out, _ = rendered([checked({CHAT: news}), of_stage("server", {CHAT: [part("x")]})])
    text = " ".join(" ".join(out).split())
    assert "3 checks passed" in text
    assert "will be upgraded to 11.7.3. 11.0: no GitLab." in text
    assert "Another one" not in text


def test_a_step_that_was_not_reached_is_no_success_when_nothing_else_failed():
    out, failed = rendered([passed(), not_reached("verify")])
    assert "Done" not in "".join(out)
    assert "Failed: verify: One or more requisite failed: mattermost.ssl.x" in failed


def test_a_step_without_an_id_of_its_own_is_told_by_its_tags():
    (step,) = stage.in_order({"x_|-it-runs_|-n_|-f": {"result": True, "changes": {}, "__run_num__": 0}})
    assert (step["__id__"], step["function"]) == ("it-runs", "x.f")
