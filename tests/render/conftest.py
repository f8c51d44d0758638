"""Parameters of the render tests: `platform`, and `sls` for every deploy state."""

from tests.render import compiler


def pytest_generate_tests(metafunc):
    if "platform" in metafunc.fixturenames:
        metafunc.parametrize("platform", compiler.PLATFORMS)
    if "sls" in metafunc.fixturenames:
        metafunc.parametrize("sls", compiler.DEPLOY)
    if "orchestration" in metafunc.fixturenames:
        metafunc.parametrize("orchestration", compiler.ORCHESTRATIONS)
