"""Says where to start `salt-run` and `salt-ssh` of this checkout when they were started somewhere else.

`make setup` puts this beside a .pth file into .venv. Salt reads its configuration from the Saltfile of the current folder,
so from another folder none of this tree's code is ever loaded: only Python's own start can speak up. Setting SALT_SALTFILE in
the venv's activate script would not reach a caller of .venv/bin/salt-run.
"""

import os
import sys

COMMANDS = ("salt-run", "salt-ssh")
OWN = ("-c", "--config-dir", "--saltfile", "-h", "--help", "--version", "-V", "--versions-report")


def elsewhere(argv, environ, here, checkout):
    """Return the sentence for a command that would not find this checkout's configuration, else ''.

    argv: the command line. environ: environment variables. here: current folder. checkout: the folder of the Saltfile.
    """
    if os.path.basename(argv[0] if argv else "") not in COMMANDS:
        return ""
    if "SALT_SALTFILE" in environ or any(word.split("=")[0] in OWN for word in argv[1:]):
        return ""
    if os.path.exists(os.path.join(here, "Saltfile")):
        return ""
    return f"{os.path.basename(argv[0])} reads the Saltfile of the folder in which it is started. Run: cd {checkout}"


def main():
    checkout = os.path.dirname(os.path.abspath(sys.prefix))
    words = elsewhere(sys.orig_argv[1:], os.environ, os.getcwd(), checkout)
    if words:
        sys.stderr.write(words + "\n")
        if not os.path.exists("/etc/salt/master"):
            os._exit(1)


main()
