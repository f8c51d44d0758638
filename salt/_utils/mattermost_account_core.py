"""The first administrator's account, and when sign-up may be open."""

from __future__ import annotations

import secrets
import string

import mattermost_api_core as api
from mattermost_lines import lines_of

LENGTH = 64  # the longest that every version takes
MOST = 72  # the longest that any version takes
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+-_.")


def new_password(least: int = 0) -> str:
    """Return a random password with every kind of character that a password policy of Mattermost can ask for.

    least: the fewest characters that the server takes (PasswordSettings.MinimumLength).
    """
    signs = [secrets.choice(kind) for kind in _CLASSES]
    least = min(least, MOST) if isinstance(least, int) else 0  # it comes from the server
    signs += [secrets.choice("".join(_CLASSES[:3])) for _ in range(max(LENGTH, least) - len(signs))]
    secrets.SystemRandom().shuffle(signs)
    return "".join(signs)


def password_file(username: str, email: str, password: str) -> str:
    """Return the text of the file that tells the administrator how to log in the first time."""
    return (
        "# The first administrator's login, made when the server had no account. Change the password after the first\n"
        "# login (Profile, Security) and remove this file.\n"
        f"username: {username}\nemail: {email}\npassword: {password}\n"
    )


def login_in(text: str) -> dict:
    """Return username, email and password of such a file."""
    return dict(line.split(": ", 1) for line in lines_of(text) if ": " in line and not line.startswith("#"))


def password_in(text: str, username: str, least: int = 0) -> str:
    """Return the password in such a file, empty when it is another account's, shorter than *least*, or none."""
    fields = login_in(text)
    password = fields.get("password", "")
    return password if fields.get("username") == username and len(password) >= least else ""


class SignUp:
    """What sign-up is and what it should be.

    has_people: an account exists, so the next one is an ordinary one. is_open: TeamSettings.EnableUserCreation now.
    create: make the administrator when there is none. wish: what the settings say, None when they do not.
    opened: sign-up got its value once before, so that an administrator's choice counts since. at_first: its value when
    the settings do not say.
    """

    def __init__(self, has_people, is_open, create, wish, opened, at_first):
        self.close_now = not has_people and is_open
        self.create = not has_people and create
        will_have_people = has_people or create
        if not will_have_people:
            self.final = False
        elif wish is not None:
            self.final = wish
        else:
            self.final = is_open if opened and has_people else at_first

    def changes_to(self, is_open: bool) -> bool:
        """Say whether the value ends up another than it is."""
        return self.final != is_open


def create_admin(server: api.Api, username: str, email: str, password: str, verify: bool) -> None:
    """Make the account and prove that it is a system administrator's.

    verify: mark the address as proved, for a server that lets nobody in before. Raises `api.Refused`.
    """
    user = server.call("POST", "users", {"username": username, "email": email, "password": password})
    if "system_admin" not in server.call("GET", f"users/{user['id']}").get("roles", "").split():
        server.call("PUT", f"users/{user['id']}/roles", {"roles": "system_user system_admin"})
    if verify:
        server.call("POST", f"users/{user['id']}/email/verify/member")
    roles = server.call("GET", f"users/{user['id']}").get("roles", "").split()
    if "system_admin" not in roles:
        raise api.Refused(
            200,
            "",
            f"the account {username} was created, but is not a system administrator (its roles are {' '.join(roles)}). Make it one on the host: mmctl --local roles system_admin {username} (docs/troubleshooting.md, Nobody can log in)",
        )
