"""Parameters of the render tests: `platform`, and `sls` for every deploy state."""

from tests.render import compiler
from tests.soak import in_check

# one of each kind; the systemd of RedHat-7 is the oldest
MAIN = ("Debian-12", "RedHat-7")


def pytest_generate_tests(metafunc):
    if "each_platform" in metafunc.fixturenames:
        metafunc.parametrize("each_platform", compiler.PLATFORMS)
    if "platform" in metafunc.fixturenames:
        main = MAIN[:1] if "sls" in metafunc.fixturenames else MAIN
        metafunc.parametrize("platform", in_check(compiler.PLATFORMS, *main))
    if "sls" in metafunc.fixturenames:
        metafunc.parametrize("sls", compiler.DEPLOY)
    if "orchestration" in metafunc.fixturenames:
        metafunc.parametrize("orchestration", compiler.ORCHESTRATIONS)
