"""Parts of the probe, for tests that run it often: what it looks for on this machine costs more than what they ask."""


def part(probed: str, begins: str, ends: str) -> str:
    """Return the probe *probed* with its functions, and of what it looks for only what is from *begins* to *ends*."""
    at = probed.index(begins)
    return f"{probed[: probed.index('fact time ')]}{probed[at : probed.index(ends, at)]}\nfact end ok\n"
