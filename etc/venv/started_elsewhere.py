"""Says where to start `salt-run` and `salt-ssh` of this checkout when they were started somewhere else, and what is wrong with its Saltfile.

`make setup` puts this beside a .pth file into .venv. Salt reads its configuration from the Saltfile of the current folder,
so from another folder none of this tree's code is ever loaded: only Python's own start can speak up. Setting SALT_SALTFILE in
the venv's activate script would not reach a caller of .venv/bin/salt-run.
"""

import os
import signal
import sys

COMMANDS = ("salt-run", "salt-ssh")
OWN = ("-c", "--config-dir", "--saltfile", "-h", "--help", "--version", "-V", "--versions-report")


def elsewhere(argv, environ, here, checkout):
    """Return the sentence for a command that would not find this checkout's configuration, else ''.

    argv: the command line. environ: environment variables. here: current folder. checkout: the folder of the Saltfile.
    """
    if "SALT_SALTFILE" in environ or not reads_a_saltfile(argv):
        return ""
    if os.path.exists(os.path.join(here, "Saltfile")):
        return ""
    return f"{os.path.basename(argv[0])} reads the Saltfile of the current folder, and this folder has none. To use this checkout, run: cd {checkout}"


def reads_a_saltfile(argv):
    return os.path.basename(argv[0] if argv else "") in COMMANDS and not any(
        word.split("=")[0] in OWN for word in argv[1:]
    )


def interrupted(*_):
    """End on Ctrl-C before this tree's code is loaded (given/interrupt.py): Python shows a traceback then, and Salt ends with status 0."""
    os.write(2, b"\nInterrupted.\n")
    os._exit(130)


def main():
    argv, checkout = sys.orig_argv[1:], os.path.dirname(os.path.abspath(sys.prefix))
    if reads_a_saltfile(argv):
        signal.signal(signal.SIGINT, interrupted)
    words = elsewhere(argv, os.environ, os.getcwd(), checkout)
    is_fatal = not os.path.exists("/etc/salt/master")
    if not words and reads_a_saltfile(argv):
        import checkout_configuration

        words = checkout_configuration.fault(os.path.basename(argv[0]), os.environ.get("SALT_SALTFILE", "Saltfile"))
        is_fatal = True
    if words:
        sys.stderr.write(words + "\n")
        if is_fatal:
            os._exit(1)


main()
