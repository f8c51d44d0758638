"""The lab's stand-in for the Mattermost server: same contract to an installer, none of the product.

Never offered to users; every place that names a build says "stand-in".
"""
