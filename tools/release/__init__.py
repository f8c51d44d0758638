"""Add a release's checksum to salt/mattermost/releases.yaml, after looking at the archive. Start: make release VERSION=…

More than a download and a sum: a row decides what runs on everybody's server, so each proof that the vendor offers is asked.
"""
