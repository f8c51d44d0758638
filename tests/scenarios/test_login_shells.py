"""An account with sudo whose login shell, startup files and surroundings are not a fresh Debian's deploys and operates as any other."""

import pytest

from tests.scenarios import deployer

pytestmark = pytest.mark.soak("checks")
HOME = f"/home/{deployer.NAME}"
# what people have there: a time-out, few rights by default, another language, aliases, a folder for temporary files that is not there
STARTUP = {
    "bash": (".bashrc", "TMOUT=1; readonly TMOUT; umask 077; export LC_ALL=xx_XX TMPDIR=/none CDPATH=/ POSIXLY_CORRECT=1"),
    "tcsh": (".cshrc", "set noclobber; umask 077; setenv LC_ALL C; alias ls 'ls -F'; alias cd 'cd \\!*; ls'"),
    "fish": (".config/fish/config.fish", "umask 077; set -gx LC_ALL C; function ls; command ls -F $argv; end"),
}  # fmt: skip


@pytest.fixture
def host(deployed_host):
    """A deployed host, which Salt reaches as `deployer`; nothing runs from its /tmp and /var/tmp, and it has a message of the day."""
    deployer.make(deployed_host)
    deployed_host.ssh(
        "apt-get update -q >/dev/null; apt-get install -qy --no-install-recommends tcsh fish >/dev/null", timeout=180
    )
    deployed_host.ssh("for d in /tmp /var/tmp; do mount -t tmpfs -o noexec,nosuid,mode=1777 tmpfs $d; done")
    deployed_host.ssh("echo 'Authorized use only!' | tee /etc/motd /etc/issue.net >/dev/null")
    deployed_host.ssh("echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/00-banner.conf; systemctl reload ssh")
    deployer.log_in(deployed_host)
    return deployed_host


def has_shell(host, shell, file=".profile", text=""):
    """Give the account a login shell with a startup file; connections that have the one before end."""
    host.host.ssh(
        f"usermod -s $(command -v {shell}) {deployer.NAME}; pkill -KILL -u {deployer.NAME}; "
        f"mkdir -p $(dirname {HOME}/{file}); cat >{HOME}/{file}; chown -R {deployer.NAME} {HOME}",
        input=f"{text}\n",
    )


def test_each_login_shell_deploys_and_one_that_cannot_is_refused(host):
    for shell, startup in STARTUP.items():
        has_shell(host, shell, *startup)
        run = host.orchestrate()
        assert (run.rc, run.changes) == (0, {}), (shell, run)
        run = host.orchestrate("mattermost.backup")
        assert run.rc == 0, (shell, run)
    has_shell(host, "nologin")
    run = host.orchestrate()
    assert run.rc != 0
    assert "its login shell runs no command (nologin)" in run.comments, run
    has_shell(host, "bash", ".bashrc", "echo Welcome, it is; date")
    run = host.orchestrate()
    assert run.rc != 0
    assert "prints text before each command" in run.comments, run
