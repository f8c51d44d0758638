"""What the host learns of newer releases by itself, and that no answer of a source, however bad, is read as `all is well`."""

import contextlib
import http.server
import json
import os
import pathlib
import platform
import re
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from tests import programs
from tests.config import debian_packages
from tests.lab import release_source
from tests.lab.release_source import Release, advisory, day
from tests.unit import fake_site

NAME = "localhost"
# functions: what is of today when a module is read may be of yesterday when its tests run


def releases():
    return [
        Release("12.1.0", day(-10)),
        Release("12.2.0-rc1", day(-1), prerelease=True),
        Release("11.7.15", day(-20), "Low to High"),
        Release("11.7.14", day(-40)),
        Release("11.7.10", day(-90), "Medium"),
        Release("11.6.6", day(-200)),
    ]


def ends():
    return {"12.1": day(80), "11.7": day(170), "11.6": day(-60)}


def table():
    return f"date {day(-5)}\nline 11.7 {day(-190)} {day(170)}\nrelease 11.7.12 {day(-60)} Low\n"


class Host:
    """A directory that mattermost-releases takes for a host."""

    def __init__(self, folder: pathlib.Path, shell=("dash",)):
        self.folder, self.shell = folder, shell
        self.settings = {"install": folder / "install", "cache": folder / "cache", "table": folder / "table"}
        (folder / "table").write_text(table())
        (folder / "bin").mkdir()
        self.runs("11.7.10")
        self.sources(releases(), ends())

    def runs(self, version):
        current = self.folder / "install/current"
        current.parent.mkdir(exist_ok=True)
        current.unlink(missing_ok=True)
        current.symlink_to(version)

    def sources(self, listed, last_days, advisories=None):
        if advisories is None:
            advisories = [advisory(1, "Low", "11.6.6", day(-100))]
        self.settings |= release_source.write(self.folder / "sources", listed, last_days, advisories)

    def source(self, kind):
        return self.folder / "sources" / release_source.FILES[kind]

    def stub(self, name, text):
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def run(self, *arguments):
        (self.folder / "conf").write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()))
        return subprocess.run(
            [*self.shell, programs.installed("mattermost-releases", self.folder), *arguments],
            env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "MATTERMOST_RELEASES_SETTINGS": f"{self.folder}/conf"},
            capture_output=True,
            text=True,
            timeout=90,
        )  # fmt: skip

    def check(self):
        """Ask, and return the exit status and the report."""
        done = self.run("check")
        assert done.stderr == ""
        return done.returncode, self.report()

    def report(self):
        return dict(line.split("=", 1) for line in (self.folder / "cache/report").read_text().splitlines())


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def all_is_well(host):
    host.runs("11.7.15")
    return host.check()


def test_the_newest_patch_of_a_supported_line_needs_nobody(host):
    code, report = all_is_well(host)
    assert code == 0, report
    assert report["result"] == "done"
    assert report["newest"] == "11.7.15"
    assert report["newest_line"] == "12.1"
    assert report["ends"] == ends()["11.7"]


def test_a_missing_security_patch_needs_somebody(host):
    code, report = host.check()
    assert code == 4
    assert report["security"] == "High"
    assert (
        f"Mattermost 11.7.15 of {day(-20)} is the newest patch of 11.7 (page, list, support); 11.7.10 runs."
        in report["what"]
    )
    assert "To do: set mattermost:release:version to 11.7.15" in report["what"]


def test_a_patch_without_security_fixes_is_only_told(host):
    host.sources([Release("11.7.15", day(-20)), Release("11.7.14", day(-40))], ends())
    host.runs("11.7.14")
    code, report = host.check()
    assert code == 0
    assert "No security fix is named" in report["security-patch"]


def test_advisories_say_how_bad_it_is_when_the_list_is_gone(host):
    shapes = ["11.7.15", ["v11.7.14", "and 10.11.3"], '["11.7.12"]', None, "N/A"]
    found = [
        advisory(number, "Critical" if number == 2 else "Low", shape, day(-50)) for number, shape in enumerate(shapes)
    ]
    found.append(advisory(9, "Critical", "11.7.15", day(-50), "Mattermost Desktop App"))
    host.sources(releases(), ends(), found)
    host.settings["list"] = ""
    code, report = host.check()
    assert code == 4
    assert report["security"] == "Critical"
    assert "3 of them published" in report["what"]


def test_a_patch_of_unknown_kind_needs_somebody(host):
    host.settings["list"] = ""
    code, report = host.check()
    assert (code, report["security"]) == (4, "unknown")


def test_a_line_past_its_end_needs_somebody(host):
    host.runs("11.6.6")
    code, report = host.check()
    assert code == 4
    assert f"The support of Mattermost 11.6 ended on {ends()['11.6']}" in report["what"]
    assert "the newest is 12.1" in report["what"]


def test_a_line_that_no_source_has_any_more_is_past_its_end(host):
    host.runs("9.5.14")
    code, report = host.check()
    assert code == 4
    assert "No source lists the line 9.5 any more" in report["what"]


def test_a_line_close_to_its_end_is_a_warning(host):
    host.sources(releases(), {**ends(), "11.7": day(20)})
    code, report = all_is_well(host)
    assert (code, report["support-end"].split(":")[0]) == (0, "warning")


def test_sources_that_disagree_are_told_and_the_earlier_end_counts(host):
    host.source("support").write_text(release_source.support(releases(), {**ends(), "11.7": day(-1)}))
    code, report = all_is_well(host)
    assert code == 4
    assert f"The sources disagree: page says {day(170)}, support says {day(-1)}" in report["support-end"]


def test_what_one_source_alone_lists_is_not_agreed_on(host):
    host.source("list").write_text(release_source.listed([Release("11.7.999", day(-1), "Critical"), *releases()]))
    code, report = host.check()
    assert f"Mattermost 11.7.999 of {day(-1)} is the newest patch of 11.7 (list)" in report["what"]
    assert "listed\t11.7\t11.7.15" in host.run("look").stdout


def test_two_of_the_vendors_sources_agree(host):
    assert "listed\t11.7\t11.7.15" in host.run("look").stdout
    host.settings["list"] = ""
    assert "listed\t11.7" not in host.run("look").stdout  # endoflife.date is not the vendor's


def test_a_release_that_is_announced_for_later_is_none(host):
    host.sources([Release("11.7.16", day(5), "High"), *releases()], ends())
    code, report = all_is_well(host)
    assert report["newest"] == "11.7.15", report


def test_a_patch_that_was_withdrawn_is_told(host):
    host.runs("11.7.16")
    code, report = host.check()
    assert "may have been withdrawn" in report["security-patch"]
    assert report["security-patch"].startswith("warning")


BAD = {
    "html": "<!DOCTYPE html>\n<html><body><p>v11.7 all is well</p></body></html>\n",
    "empty": "",
    "null": "null",
    "another-json": '{"message": "rate limit", "tag_name": "v11.7.10"}',
    "deep": "[" * 100000,
    "cut": '[{"tag_name": "v11.7.1',
    "binary": "\x00\x01\x02" * 1000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_an_answer_that_is_no_list_is_told_and_is_no_list_without_newer_ones(host, text):
    host.runs("11.7.15")
    for kind in ("page", "list", "advisories", "support"):
        host.source(kind).write_text(text)
    code, report = host.check()
    assert "is the newest patch" not in report["security-patch"]
    assert "do not say whether there is a newer patch of" in report["security-patch"]
    assert report["release-sources"].startswith(
        "warning: No release source gave a new answer (page: returned no list of releases"
    )


def test_an_older_answer_is_used_while_a_source_fails(host):
    assert all_is_well(host)[0] == 0
    host.source("list").write_text("<html>")
    code, report = host.check()
    assert code == 0
    assert re.search(
        r"list: returned no list of releases .*\(the copy of \d{4}-.* is used\)", report["release-sources"]
    )
    assert "is the newest patch of 11.7" in report["security-patch"]


def test_a_source_that_stopped_moving_does_not_say_that_nothing_is_new(host):
    old = [Release("11.7.10", day(-90), "Low"), Release("11.7.9", day(-120))]
    host.sources(old, {"11.7": day(170)})
    code, report = host.check()
    assert "is not known" in report["security-patch"] or "11.7.12" in report["security-patch"]
    assert f"its newest entry is of {day(-90)}" in report["release-sources"]


def test_the_table_counts_while_no_source_answers_and_its_date_is_told(host):
    for kind in ("page", "list", "advisories", "support"):
        host.settings[kind] = f"file://{host.folder}/nowhere"
    code, report = host.check()
    assert code == 4, "the table knows 11.7.12, a security release"
    assert f"The table in this bundle ({day(-5)}) is used. It is 5 days old" in report["release-sources"]
    assert "cannot be reached" in report["release-sources"]
    host.runs("11.7.12")
    code, report = host.check()
    assert (code, report["security-patch"]) == (
        0,
        f"warning: The release sources do not say whether there is a newer patch of 11.7. The newest in the table of this bundle (of {day(-5)}) is 11.7.12.",
    )


def test_an_old_table_alone_needs_somebody(host):
    (host.folder / "table").write_text(table().replace(day(-5), day(-50)))
    host.runs("11.7.12")
    for kind in ("page", "list", "advisories", "support"):
        host.settings[kind] = f"file://{host.folder}/nowhere"
    assert host.check()[0] == 4
    for kind in ("page", "list", "advisories", "support"):
        host.settings[kind] = ""
    code, report = host.check()
    assert code == 0
    assert report["release-sources"].startswith("note: mattermost:release_sources switches every release source off")


def test_a_clock_before_the_table_is_told(host):
    (host.folder / "table").write_text(table().replace(day(-5), day(365)))
    code, report = host.check()
    assert code == 4
    assert "before the date of the table in this bundle" in report["what"]


def test_a_source_is_asked_once_and_again_after_a_while(host):
    host.run("look")
    host.source("list").write_text(release_source.listed([Release("11.7.16", day(-1), "High"), *releases()]))
    assert "11.7.16" not in host.run("look", "11.7.10").stdout
    for state in (host.folder / "cache").glob("*.state"):
        state.write_text(re.sub(r"\t\d+\t", f"\t{int(time.time()) - 22000}\t", state.read_text(), count=1))
    assert "11.7.16" in host.run("look", "11.7.10").stdout


def test_an_answer_of_another_address_is_forgotten(host):
    host.run("look")
    host.settings["list"] = f"file://{host.folder}/nowhere"
    assert "source\tlist\t0\t" in host.run("look").stdout
    assert "asked\tlist\tfailed" in host.run("look").stdout


def test_somebody_is_told(host):
    host.stub("mattermost-tell", f'{{ echo "$1"; cat; }} >{host.folder}/told')
    host.check()
    assert host.run("tell").returncode == 0
    told = (host.folder / "told").read_text()
    assert " needs attention\n" in told
    assert "11.7.15" in told


def test_what_the_sources_answer_is_shown(host):
    shown = host.run("sources").stdout
    assert f"list: file://{host.folder}/sources/releases.json\n  5 entries, the newest of {day(-10)}" in shown
    host.settings["page"] = f"file://{host.folder}/nowhere"
    assert "\n  cannot be reached: " in host.run("sources").stdout


@pytest.mark.parametrize("awk", ["busybox awk", "gawk", "original-awk"])
def test_every_awk_reads_the_same(host, awk):
    program, *words = awk.split()
    found = debian_packages.gawk() if awk == "gawk" else shutil.which(program)
    if not found:
        pytest.skip(f"NO {program.upper()} on this machine: the program was not tried under it.")
    host.sources(releases(), ends(), [advisory(1, "High", ["11.7.15"], day(-10))])
    ours = sorted(host.run("look", "11.7.10").stdout.splitlines())
    host.stub("awk", f'exec {" ".join([found, *words])} "$@"')
    assert sorted(host.run("look", "11.7.10").stdout.splitlines()) == ours
    assert len(ours) > 10


# -- over the network --


class Source(http.server.BaseHTTPRequestHandler):
    """Answers with what `behave` writes: (status, headers, chunks, pause between chunks)."""

    behave: dict = {}

    def log_message(self, *arguments):
        pass

    def version_string(self):
        return "x"

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.behave.get("clock", 0))

    def do_GET(self):
        status, headers, chunks, pause = self.behave[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            for chunk in chunks:
                self.wfile.write(chunk)
                time.sleep(pause)


@pytest.fixture
def served(host):
    """The host's sources over HTTPS; returns what the server goes by."""
    authority = fake_site.certificate("Authority")
    leaf, key = fake_site.certificate(NAME, authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (host.folder / "leaf.pem").write_text(fake_site.pem(leaf) + fake_site.key_pem(key))
    (host.folder / "ca.pem").write_text(fake_site.pem(authority[0]))
    context.load_cert_chain(host.folder / "leaf.pem")
    handler = type("Handler", (Source,), {"behave": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for kind, name in release_source.FILES.items():
        handler.behave[f"/{name}"] = (200, {}, [host.source(kind).read_bytes()], 0)
        host.settings[kind] = f"https://{NAME}:{server.server_port}/{name}"
    host.settings["ca_file"] = host.folder / "ca.pem"
    host.runs("11.7.15")
    yield handler.behave
    server.shutdown()


def test_sources_over_the_network(host, served):
    code, report = host.check()
    assert (code, report["release-sources"]) == (0, "ok: The release sources answer.")


def test_a_redirect_is_not_followed(host, served):
    served["/releases.json"] = (301, {"Location": "https://elsewhere.example.test/releases"}, [], 0)
    code, report = host.check()
    assert (
        "list: redirects to https://elsewhere.example.test/releases, but no redirect is followed"
        in report["release-sources"]
    )


def test_a_refusal_is_told(host, served):
    served["/releases.json"] = (403, {}, [json.dumps({"message": "rate limit"}).encode()], 0)
    assert "list: answers with the HTTP status 403" in host.check()[1]["release-sources"]


def test_a_huge_answer_is_cut(host, served):
    served["/releases.json"] = (200, {}, [b" " * (1 << 20)] * 12, 0)
    assert "list: answers with more than 8 MiB" in host.check()[1]["release-sources"]
    assert not (host.folder / "cache/list").exists()


def test_another_certificate_is_refused(host, served):
    host.settings["ca_file"] = ""
    code, report = host.check()
    assert "cannot be reached: SSL certificate problem" in report["release-sources"]


def test_a_slow_source_does_not_hold_the_others(host, served):
    served["/releases.json"] = (200, {}, [b"["] * 50, 1)
    host.stub(
        "curl",
        'for word; do shift; case $word in 40) word=3;; esac; set -- "$@" "$word"; done; exec /usr/bin/curl "$@"',
    )
    began = time.monotonic()
    code, report = host.check()
    assert time.monotonic() - began < 20
    assert "list: cannot be reached: " in report["release-sources"]
    assert "is the newest patch of 11.7 (page" in report["security-patch"]


@pytest.mark.parametrize("years", [1, -1])
def test_a_clock_that_is_wrong_by_a_year_is_told_and_the_sources_date_counts(host, served, years):
    served["clock"] = 365 * 86400 * years
    done = host.run("check")
    assert done.returncode == 4
    assert (
        f"The clock of {platform.node()} says {day(0)}, but the release sources say {day(365 * years)[:7]}"
        in done.stdout
    )
    assert host.report()["what"].startswith(f"The clock of {platform.node()} says")
