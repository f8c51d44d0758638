"""Who may log in to a running cluster: our lines of pg_hba.conf and pg_ident.conf; the old files come back when it refuses them."""

from __future__ import annotations

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_owned_files as owned_files
from mattermost_lines import lines_of

FACTS_QUERY = """SELECT json_build_object(
 'version', current_setting('server_version_num')::int / 10000, 'loaded', extract(epoch FROM pg_conf_load_time()),
 'hba_file', current_setting('hba_file'), 'ident_file', current_setting('ident_file'));
"""
HBA_ERRORS_QUERY = """SELECT format('%s line %s: %s', current_setting('hba_file'), line_number, error)
 FROM pg_hba_file_rules WHERE error IS NOT NULL;
"""
IDENT_ERRORS_QUERY = """SELECT format('%s line %s: %s', current_setting('ident_file'), line_number, error)
 FROM pg_ident_file_mappings WHERE error IS NOT NULL;
"""  # PostgreSQL 15 and later


class Access:
    """Our access rules for one running cluster. hba, ident: the lines of the two files. Raises DatabaseError."""

    def __init__(self, cluster: host.Cluster, hba: list[str], ident: list[str]):
        self.cluster = cluster
        self.facts = cluster.query(FACTS_QUERY)
        self.texts = owned_files.changed(
            {
                self.facts["hba_file"]: lambda text: files.with_block(text, hba),
                self.facts["ident_file"]: lambda text: files.with_block(text, ident),
            }
        )

    def is_unread(self) -> bool:
        """Say whether a file is newer than what PostgreSQL has read."""
        return owned_files.newer((self.facts["hba_file"], self.facts["ident_file"]), self.facts["loaded"])

    def apply(self) -> str:
        """Write, let PostgreSQL judge the files, and have it read them; return what it needed: "" or "reloaded"."""
        unread = self.is_unread()
        with owned_files.on_trial(self.texts):
            if self.texts:
                self.judge()
        if self.texts or unread:
            self.cluster.psql("SELECT pg_reload_conf();")
            return "reloaded"
        return ""

    def judge(self) -> None:
        """Let PostgreSQL read the files on trial. Raises DatabaseError with what it says about them."""
        sql = HBA_ERRORS_QUERY + (IDENT_ERRORS_QUERY if self.facts["version"] >= 15 else "")
        faults = [host.sentence(fault) for fault in lines_of(self.cluster.psql(sql))]
        if faults:
            raise host.DatabaseError(
                f"{' '.join(faults)} The files were restored. Correct these lines on the host. Their numbers count this bundle's block at the top of the file."
            )
