"""What a host answers is data: a name on it makes no fact, and an answer of any kind ends in a fact or in a sentence."""

import contextlib
import json
import re
import resource
import ssl
import subprocess
import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace

import mattermost_json
import mattermost_progress
import mattermost_remove_core
import mattermost_remove_files
import mattermost_service_core
import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from mattermost_controller.hosts import (
    bounded,
    collect,
    probe,
    relenv_archive,
    relenv_install,
    roster,
    runtime,
    ssh_multiplex,
)
from mattermost_controller.moving import plan, transfer
from mattermost_controller.preflight import certificate_files, checks
from mattermost_controller.releases.look import Look
from mattermost_controller.reporting import build, screen
from mattermost_controller.stages import stage
from mattermost_controller.status import facts as status
from mattermost_controller.status import report, text
from mattermost_controller.verify import additional, tls
from mattermost_controller.verify.http import Handshake
from mattermost_letsencrypt_certificate import CertificateError

from tests import repository, states
from tests.soak import in_check
from tests.unit import fake_site, test_preflight
from tests.unit.test_probe import CENTOS

NAMES = ["a\nlock\tmine", "a\x0block\tmine", "a\x85lock\tmine", "a\u2028lock\tmine", "a\rlock\tmine", "a\x1elock\tmine"]
ENDS = ["\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\r"]
SCRIPTS = [repository.text(f"salt/mattermost/scripts/{name}.sh") for name in ("probe", "status")]
KEYS = {key for text in SCRIPTS for key in re.findall(r"\bfact ([a-z_.]+) ", text)} | {
    "listen",
    "holder",
    "unit",
    "disk",
    "memory",
}
GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_on_a_host_makes_no_other_fact(name):
    script = (
        "fact() {"
        + repository.text("salt/mattermost/scripts/probe.sh").partition("fact() {")[2].partition("\nhas()")[0]
    )
    script += '\nfact entry "$1"; fact end ok'
    done = subprocess.run(["sh", "-c", script, "sh", name], capture_output=True, check=True)
    assert "lock" not in lines(done.stdout.decode())


def lines(text):
    """Return the keys of an answer as the controller takes it apart."""
    found = []
    for line in text.split("\n"):
        key, tab, _ = line.partition("\t")
        found += [key] if tab else []
    return found


@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_what_the_server_logged_is_no_line_of_a_report(end):
    """A compromised server would have its failed upgrade told as done, or an administrator given its own commands."""
    said = f"result=undone\nreason=The new server did not start.\nadvice=\nlog=panic: {end}result=done{end}advice=curl x | sh\n"
    found = mattermost_service_core.report(said)
    assert (found["result"], found["advice"], len(found["log"])) == ("undone", "", 1)


@pytest.mark.parametrize("end", [*ENDS, " "], ids=ascii)
def test_the_name_of_a_mount_is_no_other_mount(end):
    """An account may mount at any name; a purge takes backups on another machine for safe."""
    mounts = f"/dev/vda / ext4 rw 0 0\nx /home/eve/{end}x /var/backups{end}fuse.sshfs fuse rw 0 0\n"
    if end == " ":
        mounts = mounts.replace("/eve/ x /var/backups ", "/eve/\\040x\\040/var/backups\\040")  # as the kernel writes it
    assert not mattermost_remove_core.is_elsewhere("/var/backups/mattermost", mounts)


def test_a_mount_is_read_as_the_kernel_writes_it(tmp_path, monkeypatch):
    """A blank in digits; bytes that are no UTF-8 as they are."""
    monkeypatch.setattr(mattermost_remove_files, "MOUNTS", str(tmp_path / "mounts"))
    lines = [b"/dev/vda / ext4 rw 0 0", b"y /home/eve/\xff fuse rw 0 0"]
    lines.append(b"nas:/b /mnt/my\\040backups nfs4 rw 0 0")
    (tmp_path / "mounts").write_bytes(b"\n".join(lines) + b"\n")
    assert mattermost_remove_files.is_elsewhere("/mnt/my backups/chat")


def test_a_restores_report_of_any_bytes_is_read(tmp_path):
    shell = states.load_state("mattermost_account", False)
    (tmp_path / "backup").mkdir()
    report = tmp_path / "backup/restore-report"
    report.write_bytes(b"result=refused\nadvice=\xff \rresult=done\r\n")
    assert not shell._came_from_elsewhere(str(tmp_path))
    report.write_bytes(b"result=done\nreason=\xc3\n")
    assert shell._came_from_elsewhere(str(tmp_path))


@pytest.mark.parametrize(
    "census", ["\tusers x 0\nusers 5 99\n", "users\x1cx 5 99\nusers 5 99\n", "a\nusers\nusers 5 99\n"]
)
def test_a_table_of_any_name_is_no_other_table(census):
    assert plan.row_count(census, "users") == 5


@pytest.mark.parametrize("name", NAMES[1:4], ids=ascii)
def test_an_answer_is_taken_apart_at_its_lines_alone(name):
    facts = probe.parse(f"holder\t1 {name}\nlisten\t00000000:0050 1\nend\tok\n")
    assert facts["lock"] in (None, "")


def test_names_of_files_do_not_move_a_checksum():
    assert plan.differences("posts 1 2\nus\x0bers 1 2\n", "posts 1 2\nus\x0bers 1 2\n") == ""
    assert "1 table differs" in plan.differences("us\x0bers 1 2", "us\x0bers 1 3")


@pytest.fixture(scope="module")
def settings():
    return core.merge(mattermost_settings_data.load(["salt"]), {}, {}, GRAINS, "chat.example.test")


def test_what_the_role_cannot_read_is_a_warning_of_the_preflight(settings):
    from mattermost_controller.preflight import release

    facts = {"database": {"owner": "mattermost", "tables": 9}, "unreadable": ["monitoring.samples (owner postgres)"]}
    found = release.existing_database(settings, facts, {})
    assert found.level == "warning"
    assert "monitoring.samples (owner postgres)" in found.sentence
    assert "grant this role SELECT" in found.fix


VALUES = ["", "x", "-1", "9" * 5000, "a b c d e", "\x1b[2J", "é\u2028", "=", "/ / /", "nan", "٣", "[" * 100000]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:12])
@pytest.mark.parametrize("parse", [probe.parse, status.parse], ids=["probe", "status"])
def test_an_answer_that_lies_ends_in_facts_or_in_a_refusal(parse, value):
    """Anything else would end the run in a trace."""
    for key in sorted(KEYS):
        lines = [f"{key}\t{value}" if line.startswith(f"{key}\t") else line for line in CENTOS.split("\n")]
        with contextlib.suppress(*bounded.ODD):
            parse("\n".join([f"{key}\t{value}", *lines]))


@pytest.mark.parametrize("line", ["current\t/opt/mattermost/{}", "python\tpython3.99 {}", "glibc\tglibc {}"])
def test_a_version_of_many_digits_ends_in_findings(line):
    """Python refuses to read a number of more than 4300 digits; the run would end in a trace."""
    facts = probe.parse(f"{line.format('9' * 5000)}\n{CENTOS}")
    merged = core.merge(mattermost_settings_data.load(["salt"]), {}, {}, facts["grains"], "chat.example.test")
    assert checks.run(merged, facts, test_preflight.OUTSIDE, "ssl")
    assert runtime.choose(facts) in ("thin", "relenv", "")


ODD_FACTS = [
    "loose\t/opt/mattermost//home",
    "addresses\tfe80::1%eth0 300.1.1.1 192.0.2.7",
    "s.service\tNRestarts=\u00b2",
    f"s.service\tNRestarts={'9' * 5000}",
    "s.backup\tbytes=\u00b2",
    f"s.aside\t{'9' * 4000} /var/opt/mattermost/replaced-1",
    f"s.database_bytes\t{'9' * 4000}",
    f"s.disk\tdata {'9' * 4000} 1 {'9' * 4000} / /srv",
]


@pytest.mark.parametrize("line", ODD_FACTS, ids=lambda line: line[:20].replace("\t", " "))
def test_an_odd_fact_ends_in_a_refusal_of_that_host_or_in_findings(line):
    """A number of any size, an address that is none, half of a pair: each ended the whole run in a trace."""
    try:
        facts = status.parse(f"{line}\n{CENTOS}")
    except bounded.ODD:
        return  # `collect` refuses the host
    pillar = {"letsencrypt": {"directory_url": "https://acme.example.test/dir"}}
    merged = core.merge(mattermost_settings_data.load(["salt"]), pillar, {}, facts["grains"], "chat.example.test")
    assert checks.run(merged, facts, test_preflight.OUTSIDE, "ssl")
    drift = {"looked": False, "drifted": None, "states": [], "reason": "x"}
    made = report.host_data(merged, facts, None, drift, test_preflight.DATA, [], Look([], {}, {}, {}))
    assert text.render({"chat": {"address": "192.0.2.7", **made}})


@pytest.mark.parametrize("kind", ["refused", "unanswered"])
def test_values_without_an_end_are_not_that_many_findings(settings, kind):
    """Each is a row of the screen that also shows the other hosts."""
    facts = probe.parse(f"{kind}\tmail:server x\n" * 10_000 + CENTOS)
    assert len(checks.run(settings, facts, test_preflight.OUTSIDE, "ssl")) < 200


def version_of_none(der):
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04", 1)


def time_of_none(der):
    start = der.index(b"\x17\x0d") + 2
    return der[:start] + b"99139" + der[start + 5 :]


@pytest.mark.parametrize("damage", [version_of_none, time_of_none])
def test_a_certificate_that_only_openssl_takes_is_a_finding(settings, tmp_path, damage):
    """A site shows what it likes in a handshake, a host in its files; both ended the whole run in a trace."""
    der = damage(fake_site.certificate()[0].public_bytes(Encoding.DER))
    text = ssl.DER_cert_to_PEM_cert(der)
    facts = {"certificates": {settings["certificate"]["chain_file"]: text}, "time": 1, "renewal": {}}
    for seen in ({"tls": Handshake("TLSv1.3", der, "self-signed certificate")}, {"tls": Handshake("", b"")}):
        assert report.certificate(settings, facts, seen)["not_after"] is None
        assert tls.days_left(settings, seen, facts).level in ("refusal", "skipped")
        assert tls.served_certificate(settings, seen, facts).level in ("refusal", "skipped")
    (tmp_path / "chain").write_text(text)
    with pytest.raises(CertificateError, match="contains no certificate in PEM format"):
        certificate_files.check(str(tmp_path / "chain"), "", [], 1)


@pytest.mark.parametrize(
    "out", ["uid\tmany\nend\tok\n", "s.ping\t" + "[" * 100000 + "\nend\tok\n"], ids=["number", "depth"]
)
def test_a_host_that_lies_is_refused_and_the_others_are_asked(out):
    done = type("Done", (), {"rc": 0, "out": out, "err": ""})

    class Host:
        id, user, address = "chat", "root", "192.0.2.1"

        def run(self, *_, **__):
            return done

    login = Future()
    login.set_result(done)
    parse = probe.parse if "many" in out else lambda text: json.loads(text.partition("\t")[2].partition("\n")[0])
    found = collect.from_hosts([Host()], {"chat": login}, {"chat": ""}, "", parse)["chat"]
    assert found.facts is None
    assert "salt-ssh chat --raw true" in str(found)
    assert len(str(found)) < 1000


@pytest.mark.parametrize("key", ["time", "backup", "backup_since"])
@pytest.mark.parametrize("seconds", ["9" * 400, str(2**40), "-5"], ids=["long", "far", "negative"])
def test_a_time_that_no_clock_shows_is_a_fault_of_that_host_alone(key, seconds):
    with pytest.raises(probe.ProbeError, match="which is not a possible time"):
        probe.parse(f"{key}\t{seconds}\nend\tok\n")


def test_a_renewal_at_a_time_that_no_clock_shows_has_none():
    for tried in ("9" * 400, "9" * 15, "\u00b2"):
        assert report._renewal({"attempted": tried})["attempted"] is None


@pytest.mark.parametrize(
    "read", [lambda answer: mattermost_json.texts(answer.body), additional._message], ids=["page", "redirect"]
)
def test_a_site_whose_answer_is_nested_without_end_says_nothing(read):
    assert not read(SimpleNamespace(body="[" * 100000, status=400))


ENDLESS = ["sh", "-c", "yes escape"]  # far more than 100 MB in the time that it gets


def peak():
    """Bytes of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Owned(roster.Host):
    """A host that answers everything without an end."""

    def connect(self):
        return roster.Result(0, "", "")

    def command(self, remote):
        return ENDLESS


def test_an_answer_without_an_end_is_left(monkeypatch):
    before = peak()
    host = Owned("chat", {}, {})
    told = host.run("true", timeout=60)
    assert told.rc != 0
    assert "more than 32 MiB" in told.err
    assert told.out == ""
    out, err, rc = ssh_multiplex.stream(ENDLESS, None)
    assert (out, rc == 0) == ("", False)
    assert "more than 32 MiB" in err
    monkeypatch.setattr(transfer, "LISTING_BYTES", 1 << 20)
    end = transfer.Endpoint.__new__(transfer.Endpoint)
    end.host, end.workdir = host, "/w"
    with pytest.raises(transfer.TransferError, match="chat: The host sent more than 1 MiB"):
        end.run_with_input("listing")
    assert peak() - before < 300 << 20


def test_a_reason_without_an_end_is_cut():
    """A host that was taken over ends a step of a move with a line of megabytes."""
    assert transfer.last_sentence("x" * 5_000_000) == "x" * 1000 + "."
    assert transfer.last_sentence("first\n the reason.\n\n") == "the reason."
    told = plan.differences(f"posts {'x' * 5_000_000}", f"{'y' * 5_000_000} 1 2")
    assert "The first is posts" in told
    assert len(told) < 1000


def test_a_login_that_never_ends_is_left(monkeypatch):
    """Salt waits for it for ever; the other hosts of the run would, too."""
    waiting = SimpleNamespace(exec_cmd=lambda command: threading.Event().wait(30))
    monkeypatch.setattr(roster, "LOGIN_SECONDS", 0.2)
    monkeypatch.setattr(roster.Host, "_has_connection", lambda self: False)
    monkeypatch.setattr(roster.Host, "_shell", lambda self: waiting)
    host, began = roster.Host("chat", {"host": "192.0.2.7"}, {}), time.monotonic()
    told = collect.from_hosts([host], collect.log_in([host]), {"chat": ""}, "known_hosts")["chat"].fault
    assert told.sentence == "192.0.2.7 did not answer in time (port 22)."
    assert time.monotonic() - began < 20


def test_what_goes_wrong_in_a_login_is_raised(monkeypatch):
    def fail(self):
        raise OSError("no ssh")

    monkeypatch.setattr(roster.Host, "_has_connection", lambda self: False)
    monkeypatch.setattr(roster.Host, "_shell", fail)
    with pytest.raises(OSError, match="no ssh"):
        roster.Host("chat", {}, {}).connect()


def test_an_answer_to_a_file_that_is_copied_is_left_too(tmp_path, monkeypatch):
    """It is taken in while the file goes, up to half an hour."""
    monkeypatch.setattr(Owned, "command", lambda self, remote: ["head", "-c", "200000000", "/dev/zero"])
    (tmp_path / "archive").write_bytes(b"x" * 1_000_000)
    host, before = Owned("chat", {}, {}), peak()
    told = host.send(str(tmp_path / "archive"), "/tmp/archive", "salt", timeout=60)
    assert "more than 32 MiB" in told.err
    assert (told.out, told.rc == 0) == ("", False)
    with pytest.raises(relenv_archive.RelenvError, match="to chat was stopped. The host sent more than 32 MiB"):
        relenv_install.ensure(host, "/tmp/tree", str(tmp_path / "archive"), "0" * 64)
    assert peak() - before < 200 << 20


LOUD = ["yes escape >&2", "head -c 200000000 /dev/zero >&2"]


@pytest.mark.parametrize("words", in_check(LOUD, LOUD[1]), ids=["lines", "a line"])
def test_an_error_without_an_end_is_left(words):
    before = peak()
    _, err, _ = ssh_multiplex.stream(["timeout", "3", "sh", "-c", words], None)
    assert len(err) <= 32 << 20
    assert peak() - before < 300 << 20


def test_a_usual_answer_arrives_whole():
    done = bounded.run(["sh", "-c", "cat; echo trouble >&2; exit 3"], b"x" * 1_000_000, 20)
    assert (done.returncode, len(done.stdout), done.stderr) == (3, 1_000_000, b"trouble\n")
    with pytest.raises(subprocess.TimeoutExpired) as late:
        bounded.run(["sh", "-c", "echo begun; exec sleep 60"], b"", 0.5)
    assert late.value.stdout == b"begun\n"


TIMES = ["1e999", "-1e999", "NaN", "9" * 4000, "1e300", "-5", "true", '"inf"']


@pytest.mark.parametrize("part", ["", ',"part":"copying"'], ids=["ended", "going on"])
@pytest.mark.parametrize("ms", TIMES, ids=lambda ms: ms[:7])
def test_progress_of_any_time_is_told_at_once(capsys, ms, part):
    """Else the thread that hears one minion of a master is busy for ever, or has ended for all of them."""
    event = mattermost_progress.decode(f'{mattermost_progress.MARK}{{"id":"x","ms":{ms}{part}}}')
    mattermost_progress.Run(lambda sls: "server").event("chat", event)
    assert len(capsys.readouterr().err) < 100


def test_how_far_a_host_says_that_it_is_is_a_short_line(capsys, monkeypatch):
    for name in ("STEP", "TICK"):
        monkeypatch.setattr(mattermost_progress, name, 0.01)
    monkeypatch.setattr(Owned, "command", lambda self, remote: ["head", "-c", "1000000", "/dev/zero"])
    glance, said, end = Owned("chat", {}, {}).glance, "", time.monotonic() + 30
    with mattermost_progress.waiting("backup", "make a backup", "chat", lambda: glance("mattermost-backup progress")):
        while said.count("\n") < 2 and time.monotonic() < end:
            time.sleep(0.05)
            said += capsys.readouterr().err
    assert "so far" in said
    assert max(map(len, said.split("\n"))) < 1000


def test_progress_of_a_state_with_a_long_name_is_a_short_line(capsys):
    mattermost_progress.Run(lambda sls: "server").event("chat", {"id": "x" * 10**6, "ms": 5000})
    assert len(capsys.readouterr().err) < 200


@pytest.mark.parametrize(
    "events", [[{"ms": 3000}], [{"ms": 20_000, "part": "x"}, {"ms": 0}]], ids=["ended", "going on"]
)
def test_progress_without_an_end_is_no_line_without_an_end(capsys, events):
    """Standard error may be a file that also holds the reports of the other hosts."""
    run = mattermost_progress.Run(lambda sls: "server")
    for event in events * 2000:
        run.event("chat", {"id": "x", **event})
    run.event("other", {"id": "x", "ms": 5000})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == mattermost_progress.MOST_LINES + 1
    assert "No further line of it is shown" in lines[-2]
    assert lines[-1].startswith("other: ")


LONG = "x" * 10**6
ADMIN, PACKAGES = "mattermost_account_|-a_|-a_|-first_admin", "pkg_|-a_|-a_|-installed"
RETURNED = [
    (ADMIN, {"duration": 10**400}),
    (ADMIN, {"duration": float("nan")}),
    (ADMIN, {"duration": float("-inf")}),
    (ADMIN, {"changes": {"account": 5}, "name": None}),
    (ADMIN, {"changes": {"account": LONG}}),
    (PACKAGES, {"changes": {"installed": 5}}),
    (PACKAGES, {"changes": {"installed": {LONG: {}}}}),
    (PACKAGES, {"changes": {"installed": [None, {}]}}),
    ("file_|-a_|-a_|-managed", {"name": LONG}),
    ("file_|-a_|-a_|-managed", {"__id__": LONG, "result": False}),
    (ADMIN, {"warnings": [LONG]}),
    (ADMIN, {"warnings": [str(number) for number in range(10**5)]}),
]


@pytest.mark.parametrize(("tag", "said"), RETURNED)
def test_what_a_host_returns_of_a_state_ends_in_a_report_of_a_few_lines(tag, said):
    """Else a host that was taken over ends the whole run in a trace, or fills the screen that also shows the others."""
    part = {"__run_num__": 1, "__sls__": "s", "result": True, "comment": "c", "changes": {"a": 1}, **said}
    share = stage.share({"chat": {"return": {tag: part}}}, "server", [{"name": "server", "sls": "s"}])
    judged = stage.stage_result("server", share, False)
    step = {"__id__": "server", "function": "mattermost_stage.applied", **judged}
    lines, failures = screen.summary(build.from_steps([step], False), screen.Style())
    assert len("".join(lines + failures)) < 5000


def test_the_end_of_a_removal_is_told_of_its_own_host(monkeypatch):
    shell = states.load_state("mattermost_removal", True)
    part = {"__id__": "removal-is-noted", "__run_num__": 1, "__sls__": "s", "result": True, "changes": {}}
    said = {"x_|-a_|-a_|-x": {**part, "comment": "Kept: data.\nother: Every file was destroyed."}}
    outcome = {"chat": {"return": said}, "other": {"return": {"x_|-a_|-a_|-x": {**part, "comment": "Kept: mail."}}}}
    shell.__dict__["__context__"] = {
        shell.PREFLIGHT: {"chat": {}, "other": {}},
        shell.RUNS: {"run": {"outcome": outcome}},
    }
    step = {"__id__": "end", "function": "mattermost_removal.reported", "duration": 1, **shell.reported("end")}
    rows = build.from_steps([step, {**step, "findings": {"chat": [], "other": []}}], True).rows
    assert ["Kept: data. other: Every file was destroyed."] in [row.said for row in rows if row.host == "chat"]
    assert "Every file" not in str([row.said for row in rows if row.host == "other"])


def test_what_a_stage_logs_has_nothing_that_a_terminal_obeys(monkeypatch, caplog):
    """A Salt master prints it; its terminal has no handler of ours."""
    shell = states.load_state("mattermost_stage", False)
    failed = {"result": False, "changes": {"chat": 1}, "comment": "chat: \x1b]0;owned\x07"}
    shell.__dict__.update(__context__={shell.batch.DONE: {"server": failed}, shell.KEY: {"server": None}})
    assert shell.applied("server", "mattermost.deploy.server")["result"] is False
    assert "owned" in caplog.text
    assert "\x1b" not in caplog.text
