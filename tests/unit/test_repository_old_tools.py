"""Nothing that runs on a host uses what EL 7's programs lack: bash 4.2, gawk 4.0, coreutils 8.22, systemd 219, curl 7.29, OpenSSL 1.0.2.

bash 4.4 (EL 8) lacks less.
"""

import re

import pytest

from tests import programs

# program (an expression): what came later, each an expression of one word or more
LATER = {
    "sync": [r"(?!\|\|)[\"$\w/-]\S*"],
    "dd": ["status=progress"],
    "env": ["-S", "-C", "--chdir", "--split-string", "--argv0"],
    "timeout": ["-v", "--verbose"],
    "(?:ls|du)": ["--zero"],
    "(?:b2sum|base32|basenc)": [r"(?:\S)"],
    "cksum": ["-a", "--algorithm"],
    "find": ["-files0-from"],
    "tar": ["--sort", "--one-top-level", "--zstd"],
    "(?:lsblk|findmnt|lscpu)": ["-J", "--json"],
    "systemctl": ["--value", "--wait", "clean", "freeze", "-P"],
    "systemd-run": ["--wait", "--pipe", "-P", "--collect", "-G"],
    "systemd-analyze": ["calendar", "security", "condition", "timespan", "timestamp"],
    "journalctl": ["--grep", "-g", "--output-fields"],
    "curl": ["--unix-socket", "--fail-with-body", "--retry-connrefused", "--retry-all-errors", "--connect-to", "--json", "--tls-max", "--parallel"],
    "openssl x509": ["-ext"],
    "openssl s_client": ["-brief"],
    "openssl req": ["-addext"],
    "[gm]?awk": ["-i", "-l", "-M", "--include", "--bignum", r"'[^']*\b(?:typeof|mkbool)\(", "'[^']*@(?:load|include|namespace)"],
    "(?:local|declare)": ["-n"],
    "wait": ["-n", "-p"],
    "read": ["-N"],
    "printf": [r"(?:-\S+ )*['\"]%\("],
}  # fmt: skip
# of bash itself, wherever it stands
WORDS = [r"\$\{\w+@[A-Za-z]\}", r"\$\{?(?:EPOCHSECONDS|EPOCHREALTIME|SRANDOM|BASH_ARGV0)\b", r"\[\[? -v \w+\["]
# calls that look first whether the program knows the word, or take an answer without it
GUARDED = [r'unflushed=\$\(sync "\$1"', r"systemd-analyze calendar", r"--unix-socket"]


def later(text) -> list[str]:
    """Return what *text* calls that came later."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    code = "\n".join(re.sub(r"(^|\s)#\s.*", "", line) for line in lines)
    found = [match[0] for word in WORDS for match in re.finditer(word, code)]
    for program, options in LATER.items():
        for option in options:
            is_word = not option.startswith(("'", "(?"))
            call = rf"(?:^|[\s;&|(`])(?:{program})[ \t](?:[^;&|\n]*?[ \t])?(?:{option})"
            found += [
                match[0].strip()
                for match in re.finditer(call + (r"(?=[\s;&|)=]|$)" if is_word else ""), code, re.MULTILINE)
            ]
    return found


def unguarded(text) -> list[str]:
    return later(re.sub("|".join(GUARDED), "guarded", text))


def test_each_guarded_call_is_one_and_is_there():
    sent = "".join(map(programs.sent, programs.SENT))
    for call in GUARDED:
        assert len(re.findall(call, sent)) > 0


@pytest.mark.parametrize("name", programs.TEMPLATES)
def test_a_program_of_a_host_uses_nothing_that_came_later(name, tmp_path):
    assert unguarded(programs.installed(name, tmp_path).read_text()) == []


@pytest.mark.parametrize("name", programs.SENT)
def test_a_script_that_is_sent_uses_nothing_that_came_later(name):
    assert unguarded(programs.sent(name)) == []


@pytest.mark.parametrize(
    "line",
    [
        'sync "$folder"', "x && sync -f /srv", "dd if=a of=b status=progress", "env -C / pwd", "timeout -v 5 true", "b2sum <x",
        "tar -c --sort=name x", "lsblk -J", "systemctl show -p X --value y", "systemctl \\\n  show --value y", "systemd-run --wait true",
        "said=$(systemd-analyze calendar daily)", "journalctl -u x --grep=y", "curl -s --unix-socket /x http://y", "openssl x509 -in x -ext y",
        "awk -i inplace 1 x", "awk '{ print typeof(x) }'", "local -n x=y", "wait -n", "printf '%(%s)T' -1", "echo ${x@Q}", "echo $EPOCHSECONDS",
    ],
)  # fmt: skip
def test_what_came_later_is_found(line):
    assert len(later(f"{line}\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "sync", "sync || true", "sync; x", "# sync x", "true # dd status=progress", "dd if=a", "systemctl show -p X y | sed s/--value//",
        "systemctl is-active x", "curl -K - -sS", "awk '{ print $1 }' x", "wait $pid", "read -r x", "printf '%s' x", "local x=1", "openssl x509 -text",
        "rsync x y", "resync --value",
    ],
)  # fmt: skip
def test_what_was_there_already_is_not(line):
    assert later(f"{line}\n") == []
