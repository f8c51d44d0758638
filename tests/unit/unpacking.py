"""A release from its archive to its place, as the states of one run do it in two steps."""

import mattermost_release_tree as tree


def unpack(archive, install, version, *words, edition="team"):
    """words: of `tree.move_in`, from the user on."""
    tree.move_in(tree.lay_out(archive, install, version, edition), archive, install, version, *words, edition=edition)
