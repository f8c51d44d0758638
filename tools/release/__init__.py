"""Add a release's checksum to salt/mattermost/releases.yaml, after looking at the archive. Start: make release VERSION=…"""
