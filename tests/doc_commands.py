"""The commands of README and docs, and for each what runs it: a test, the scenario of the pages' own text, or nothing with the reason."""

from __future__ import annotations

import re
from pathlib import Path

from tests import repository

PAGES = [path for path in repository.with_suffix(".md") if path.parts[0] == "docs" or str(path) == "README.md"]
# What a line of inline code begins with when it is a command; one word alone is the name of a program, not a command.
PROGRAMS = (
    "salt-run salt-ssh salt-call salt make mmctl journalctl systemctl certbot git ssh-keygen ssh psql runuser df du find free apt-get "
    "yum dnf curl jq cat echo pytest vagrant restic tar rm chmod cp mkdir ln python nginx openssl sh ss docker pip grep sed gitlab-ctl"
).split()
COMMAND = re.compile(rf"([A-Z_]+=\S+ )*\S*\b({'|'.join(PROGRAMS)}|mattermost-[a-z-]+) .+")

SCENARIOS = "tests/scenarios/"
# A test that runs such commands as they are in the pages, all of `on_host`.
ON_HOST = (SCENARIOS + "test_backup.py::test_the_commands_of_the_pages_work_on_the_host", "doc_commands.on_host()")
HOSTPROGRAM = "tests/unit/hostprogram/"
ORCHESTRATE = r"salt-run state\.orchestrate "
# A pattern of the whole command, and what runs such a one: a test and words of its file, or a reason after "not run: ".
RUN_BY = {
    # the controller's orchestrations
    r"salt-run state\.orchestrate|salt-call --local": "not run: no whole command",
    ORCHESTRATE + r"mattermost\.preflight": (
        SCENARIOS + "test_preflight.py::test_a_bare_host_passes_and_is_left_alone",
        '"mattermost.preflight"',
    ),
    ORCHESTRATE + r"mattermost\.preflight pillar=.*non-ssl.*": (
        SCENARIOS + "test_preflight.py::test_plain_http_needs_no_address_for_the_authority_and_no_name_that_it_finds",
        '"preflight": {"site"',
    ),
    ORCHESTRATE + r"mattermost\.ssl": (
        SCENARIOS + "test_deploy.py::test_fresh_then_again_then_a_dry_run",
        "orchestrate()",
    ),
    ORCHESTRATE + r"mattermost\.(ssl|backup) pillar=.*\"hosts\".*": (
        "tests/unit/test_hosts.py::test_the_pillar_of_a_run_names_its_hosts",
        '{"mattermost": {"hosts": ["shared"]}}',
    ),
    ORCHESTRATE + r"mattermost\.verify": (
        SCENARIOS + "test_verify.py::test_a_deployed_host_passes",
        '"mattermost.verify"',
    ),
    ORCHESTRATE + r"mattermost\.status": (
        SCENARIOS + "test_status.py::test_a_healthy_host_is_well_and_nothing_on_it_changes",
        '"mattermost.status"',
    ),
    ORCHESTRATE + r"mattermost\.backup": (
        SCENARIOS + "test_backup.py::test_a_backup_says_what_it_holds_and_where_the_password_is",
        '"mattermost.backup"',
    ),
    ORCHESTRATE + r"mattermost\.drill": (
        SCENARIOS + "test_backup.py::test_a_drill_compares_and_leaves_nothing",
        '"mattermost.drill"',
    ),
    ORCHESTRATE + r"mattermost\.ssl test=True": (
        SCENARIOS + "test_deploy.py::test_fresh_then_again_then_a_dry_run",
        "test=True",
    ),
    ORCHESTRATE
    + r"mattermost\.status --out=json .*jq .*": "not run: jq reads what tests/scenarios/test_status.py reads",
    ORCHESTRATE + r"mattermost\.rollback( test=True)?": (
        SCENARIOS + "test_rollback.py::test_the_one_command_says_what_would_be_lost_and_then_goes_back",
        '"mattermost.rollback"',
    ),
    ORCHESTRATE + r"mattermost\.rollback pillar=.*": (
        SCENARIOS + "test_rollback.py::test_the_one_command_says_what_would_be_lost_and_then_goes_back",
        '"mattermost.rollback"',
    ),
    ORCHESTRATE + r"mattermost\.restore": (
        SCENARIOS + "test_restore.py::test_newer_messages_are_refused_then_kept_aside",
        "restore(host",
    ),
    ORCHESTRATE + r"mattermost\.restore pillar=.*": (
        SCENARIOS + "test_restore.py::test_newer_messages_are_refused_then_kept_aside",
        "overwrite=True",
    ),
    ORCHESTRATE + r"mattermost\.renew": (
        SCENARIOS + "test_certificates_change.py::test_a_new_key_on_demand",
        '"mattermost.renew"',
    ),
    ORCHESTRATE + r"mattermost\.rotate": (
        SCENARIOS + "test_rotate.py::test_old_secrets_open_nothing_nobody_sees_one_and_no_login_or_message_is_lost",
        '"mattermost.rotate"',
    ),
    ORCHESTRATE + r"mattermost\.postgresql": (
        SCENARIOS + "test_postgresql.py::test_every_message_is_there_afterwards",
        '"mattermost.postgresql"',
    ),
    ORCHESTRATE + r"mattermost\.non-ssl": (
        SCENARIOS + "test_deploy.py::test_from_https_to_http_and_back",
        '"mattermost.non-ssl"',
    ),
    ORCHESTRATE + r"mattermost\.move pillar=.*": (
        SCENARIOS + "test_move.py::test_a_server_moves_under_load",
        '"mattermost.move"',
    ),
    ORCHESTRATE + r"mattermost\.import pillar=.*\"to\".*": (
        SCENARIOS + "test_import.py::test_a_server_by_hand_is_imported_under_load",
        '"mattermost.import"',
    ),
    ORCHESTRATE + r"mattermost\.import( …| pillar=(?!.*\"to\").*)": (
        SCENARIOS + "test_import_in_place.py::test_a_server_is_taken_over_under_load",
        '"mattermost.import"',
    ),
    ORCHESTRATE + r"mattermost\.remove( pillar=.*)? test=True": (
        SCENARIOS + "test_remove.py::test_a_dry_run_counts_what_would_go_and_changes_nothing",
        '"test=True"',
    ),
    ORCHESTRATE + r"mattermost\.remove": (
        SCENARIOS + "test_remove.py::test_a_removal_keeps_the_data_and_nothing_else",
        '"mattermost.remove"',
    ),
    ORCHESTRATE + r"mattermost\.remove pillar=.*(?<!test=True)": (
        SCENARIOS + "test_remove.py::test_a_purge_that_lost_its_host_half_way_is_ended_by_the_next",
        '"purge"',
    ),
    # one-off commands of Salt
    r"salt-ssh \S+ mattermost_api\.config( \S+)?": (
        SCENARIOS + "test_secrets.py::test_planted_secrets_stay_where_they_belong",
        "mattermost_api.config",
    ),
    r"salt-ssh \S+ mattermost_api\.send_test_mail": (
        SCENARIOS + "test_config.py::test_mail_is_proved_by_the_servers_own_test_message",
        "mattermost_api.send_test_mail",
    ),
    r"salt-ssh -i -r \S+ uptime": (
        SCENARIOS + "test_preflight.py::test_what_is_said_about_an_unknown_key_works",
        "uptime",
    ),
    r"salt-ssh (-i )?\S+ test\.ping": (
        SCENARIOS + "test_talk.py::test_every_command_of_the_talk_runs_in_its_order",
        "test.ping",
    ),
    r"salt-ssh \S+ state\.apply mattermost\.deploy\.(nginx-ssl|server|database)( test=True)?": (
        SCENARIOS + "test_talk.py::test_every_command_of_the_talk_runs_in_its_order",
        "doc",
    ),
    r"salt-ssh --relenv.*": (SCENARIOS + "test_el7.py::test_a_component_works_alone_over_relenv", "--relenv"),
    r"salt HOST state\.apply .*|salt-call --local state\.apply .*": (
        "tests/engine/test_master.py::test_the_deploy_states_render_as_over_salt_ssh",
        "saltutil.sync_all",
    ),
    r"salt HOST mattermost_settings\.get": (
        "tests/engine/test_master.py::test_the_settings_are_merged_as_over_salt_ssh",
        "mattermost_settings.get",
    ),
    r"ssh old\.example\.com true": (
        SCENARIOS + "test_minion_import.py::test_a_server_is_imported_from_a_host_that_is_no_minion",
        "let_in",
    ),
    r"(salt HOST|salt-call --local|salt --batch-size 20 '\*') saltutil\.sync_all": (
        "tests/engine/test_master.py::test_every_deploy_state_and_module_loads_on_a_minion",
        "saltutil.sync_all",
    ),
    r"salt-run saltutil\.sync_all|salt-run fileserver\.update": (
        "tests/engine/test_orchestrations.py::test_a_master_that_has_not_synced_what_it_serves_is_refused",
        "saltutil.sync_all",
    ),
    # programs on the host
    r"mattermost-switch restart": (
        HOSTPROGRAM + "test_restart.py::test_a_restart_is_proved_and_changes_no_version",
        "restart",
    ),
    r"mattermost-switch check": (
        SCENARIOS + "test_host_tier.py::test_the_host_tier_holds_on_a_deployed_host",
        "mattermost-switch check",
    ),
    r"mattermost-switch status": (HOSTPROGRAM + "test_switch.py::test_check_and_status_tell", '"status"'),
    r"mattermost-switch wait && mattermost-switch restart": (
        HOSTPROGRAM + "test_switch.py::test_a_copy_that_was_not_finished_never_takes_the_databases_place",
        '"wait"',
    ),
    r"(TMPDIR=/run )?mattermost-kept list": (HOSTPROGRAM + "test_kept.py::test_it_is_listed_with_what_it_is", '"kept"'),
    r"(TMPDIR=/run )?mattermost-kept forget( NAME( anyway)?)?": (
        HOSTPROGRAM + "test_kept.py::test_it_is_forgotten_by_hand",
        '"forget"',
    ),
    r"mattermost-backup now": (
        SCENARIOS + "test_backup_files.py::test_a_preview_that_a_message_names_is_looked_for_too",
        "mattermost-backup now",
    ),
    r"mattermost-backup status|mattermost-restore status": (
        SCENARIOS + "test_deploy.py::test_a_program_of_an_earlier_deploy_loses_the_part_beside_it",
        "mattermost-backup status && mattermost-restore status",
    ),
    r"mattermost-backup list": (
        SCENARIOS + "test_mixed_roster.py::test_a_backup_is_made_by_restics_own_release",
        "mattermost-backup list",
    ),
    r"mattermost-backup progress": (
        "tests/unit/hostprogram/test_backup_files.py::test_how_far_a_backup_is_can_be_asked",
        '"mattermost-backup", "progress"',
    ),
    r"mattermost-backup check|mattermost-backup restic (rebuild-index|prune|forget --keep-last .*)": ON_HOST,
    r"mattermost-backup now && mattermost-backup check": (
        SCENARIOS + "test_backup_files.py::test_a_preview_that_a_message_names_is_looked_for_too",
        "mattermost-backup now",
    ),
    r"salt-call --local key\.finger": "not run: an example of what differs",
    r"sed '1d;\$d' FILE \| sha256sum": "not run: its words are tried by hand; the lab computes the same from the files",
    r"mattermost-backup restic key passwd": "not run: asks for a password at a terminal",
    r"mattermost-certificate (look|status)": (
        "tests/unit/test_certificate_watch.py::test_a_look_changes_nothing",
        "look",
    ),
    r"mattermost-postgresql (status|forget \S+)": (
        SCENARIOS + "test_postgresql.py::test_the_old_cluster_goes_only_when_told",
        "mattermost-postgresql forget",
    ),
    r"mattermost-aside (status|back overwrite)": (
        SCENARIOS + "test_import_in_place.py::test_the_way_back_stays_open",
        "mattermost-aside",
    ),
    r"echo test \| mattermost-tell test": (
        "tests/unit/test_certificate_watch.py::test_nobody_to_tell_is_a_failure",
        "mattermost-tell",
    ),
    r"sh /var/lib/mattermost-deploy/take-back": (
        "tests/unit/test_move_hold.py::test_what_was_left_can_be_taken_back",
        "take-back",
    ),
    r"systemctl kill -s KILL mattermost": (
        "tests/unit/hostprogram/test_common.py::test_a_server_that_prolongs_its_own_stop_is_killed",
        "kill -s KILL mattermost",
    ),
    r"mattermost-releases check": (
        "tests/unit/test_releases_program.py::test_a_source_is_asked_once_and_again_after_a_while",
        "check",
    ),
    r"mattermost-releases status": (
        SCENARIOS + "test_releases.py::test_the_newest_patch_is_well_for_controller_and_host",
        "mattermost-releases status",
    ),
    r"mattermost-releases sources": (
        "tests/unit/test_releases_program.py::test_what_the_sources_answer_is_shown",
        "sources",
    ),
    r"mattermost-patches status": (
        "tests/unit/hostprogram/test_patches_order.py::test_a_patch_that_is_rolled_back_stops_it_until_a_person_acts",
        "status",
    ),
    r"mattermost-patches resume": (
        "tests/unit/hostprogram/test_patches_order.py::test_a_patch_that_is_rolled_back_stops_it_until_a_person_acts",
        "resume",
    ),
    r"mattermost-patches now": (
        "tests/unit/hostprogram/test_patches_order.py::test_a_person_does_not_wait_for_the_window",
        "now",
    ),
    # the system's own programs on the host
    r"journalctl .*|systemctl (status .*|reload nginx|start (postgresql|nginx)|restart mattermost)": ON_HOST,
    r"df -h; df -i|du -xm .*|free -m|find /var/opt/mattermost/logs .*|apt-get clean": ON_HOST,
    r"cat /run/mattermost-deploy/lock; systemctl list-units .*|ssh-keygen (-lf /etc/ssh/.*|-t ed25519 .*)": ON_HOST,
    r"runuser -u postgres -- psql .*": (
        "tests/attack/test_database_role.py::test_the_queries_of_the_pages_run",
        "doc_commands",
    ),
    r"(\S* )?/opt/mattermost/current/bin/mmctl --local user change-password NAME": (
        "tests/conformance/test_10_mmctl.py::test_a_password_changes",
        "change-password",
    ),
    r"(\S* )?/opt/mattermost/current/bin/mmctl --local user resetmfa NAME": "not run: the stand-in has no second factor",
    r"export MMCTL_LOCAL_SOCKET_PATH=.*|cd /opt/mattermost/current/bin": ON_HOST,
    r"\./mmctl --local ((user|bot|plugin) list( --all)?|user deactivate NAME)": ON_HOST,
    r"\./mmctl --local (webhook list|webhook delete ID|bot disable NAME)": "not run: the stand-in has no webhooks and no bots",
    r"\./mmctl --local (user list --all --json .*|roles member NAME)": "not run: tests/conformance/test_10_mmctl.py has the list and the roles",
    r"mmctl --local config show": ("tests/conformance/test_10_mmctl.py::test_configuration_is_got", '"config"'),
    r"rm -rf /var/opt/mattermost/plugins/.*": ON_HOST,
    r"certbot renew --dry-run": "not run: a dry run asks the staging directory of Let's Encrypt",
    r"certbot renew && mattermost-certificate look": (
        SCENARIOS + "test_certificates.py::test_a_renewal_by_the_timers_unit_is_served_and_loses_nothing",
        "certbot renew",
    ),
    r"REQUESTS_CA_BUNDLE=.* certbot renew": (
        SCENARIOS
        + "test_certificates_change.py::test_another_public_name_is_served_and_the_old_ones_certificate_is_renewed_no_more",
        "certbot renew",
    ),
    r"grep 'limiting requests' .*": (
        "tests/config/test_nginx_limits.py::test_a_password_guesser_meets_a_limit_and_nobody_else",
        "limiting requests",
    ),
    r"tar -C /etc -czf letsencrypt\.tar\.gz letsencrypt": (
        SCENARIOS + "test_certificates.py::test_the_archive_of_an_earlier_host_is_restored_and_renews",
        "tar -C /etc",
    ),
    r"ssh-keygen -R .*": (SCENARIOS + "test_preflight.py::test_a_changed_host_key_is_refused", "ssh-keygen"),
    # make, and what development takes
    r"make setup( && \. \.venv/bin/activate)?|make (check|test|standin|base|packages)": "not run: .ci/run is such a run: it calls make test, which makes the others' things first",
    r"make lock": "not run: it asks the package index for newer versions",
    r"make docs": ("tests/unit/test_repository_docs.py::test_the_settings_page_is_the_schemas", "settings_page.page"),
    r"make sources": "not run: it asks the network",
    r"make picture": "not run: it takes a lab of its own",
    r"pytest tests/conformance --archive FILE": "not run: it is run with the stand-in by tests/proved.py",
    r"make (check|trial|test|setup) SALT=\S+": "not run: another Salt takes a venv of its own",
    r"make trial(-host|-down)?( (?!SALT).*)?": "not run: a lab inside of a lab; what it sets up is tests/unit/lab/test_trial.py's",
    r"make trial-browser( .*)?": (
        SCENARIOS + "test_upgrade_keeps_messages.py::test_a_person_uses_the_site_in_a_browser",
        "visit(",
    ),
    r"(\. \.lab/trial\.env && )?pytest tests/clients": "not run: the same clients are tests/scenarios/test_upgrade_keeps_messages.py's",
    r"make (soak|touched|bench|scenario)( .*)?": "not run: tests of tests; their programs have tests of their own",
    r"make release( .*)?": (
        "tests/unit/test_release_table.py::test_a_release_that_the_vendors_page_lists_is_added",
        "tools.release",
    ),
    r"\.venv/bin/pytest tests/render tests/config": "not run: both folders are parts of `make test`",
    r"\.venv/bin/python -m tests\.render\.snapshots": (
        "tests/render/test_snapshots.py::test_settings_equal_their_snapshot",
        "tests.render.snapshots",
    ),
    r"pytest tests/host": (SCENARIOS + "test_host_tier.py::test_the_host_tier_holds_on_a_deployed_host", "hosttier"),
    r"\.venv/bin/pytest tests/unit/test_stage\.py -k site": "not run: it is an example of pytest itself",
    r"\. \.venv/bin/activate": "not run: it changes the shell that reads it",
    r"\. \.lab/trial\.env": (
        "tests/unit/lab/test_trial.py::test_the_environment_file_exports_what_it_says",
        "trial.env",
    ),
    r"curl --cacert \"\$CA_FILE\" .*": (
        "tests/unit/lab/test_trial.py::test_a_trial_names_the_url_the_orchestration_serves",
        "--resolve",
    ),
    r"cp (roster\.example roster|pillar/mattermost\.sls\.example pillar/mattermost\.sls)": (
        "tests/unit/test_repository_docs.py::test_the_example_of_the_pillar_is_valid_with_and_without_its_comments",
        "roster.example",
    ),
    r"git (pull( && make setup)?|stash( pop)?|diff salt/mattermost/releases\.yaml)": "not run: git's own commands, in the reader's clone",
    r"chmod 600 roster.*": "not run: the reader's own files",
    r"vagrant (up|provision|destroy|ssh-config)|SALT_SALTFILE=\.vagrant/.*": (
        SCENARIOS + "test_vagrant.py::test_up_deploys_provision_changes_nothing_destroy_leaves_nothing",
        "vagrant",
    ),
    r"vagrant validate --ignore-provider": (
        "tests/config/test_vagrant.py::test_vagrant_accepts_the_file",
        "--ignore-provider",
    ),
    # the classic layout: a test takes these lines from the page
    r"(mkdir -p /etc/salt|ln -sfT \"\$PWD/.*|\[ -e /etc/salt/roster \] .*|sed -e .*)": (
        "tests/unit/test_repository_docs.py::test_the_classic_layout_is_what_the_page_makes",
        "classic.lay_out",
    ),
    # machines and services that no test has
    r"apt-get install git .*|pip install salt-ssh": "not run: they change the controller",
    r"yum clean all": "not run: EL alone; yum's own command",
    r"ssh chat@nas\.example\.com true": "not run: it takes the reader's own backup server",
    r"salt-pip install .*": "not run: it takes packages from the network",
    r"restic (copy|forget … --prune|key remove ID|snapshots --tag mattermost)|mattermost-backup restic …": "not run: restic's own commands, as examples",
    r"curl -fsSI https://packages\.broadcom\.com/.*": "not run: tests use no network",
    r"certbot revoke .*": "not run: it would revoke the certificate of the lab's host for all later tests",
    r"systemctl (disable --now .*|stop mattermost(-backup)?)": "not run: it takes the host of the tests out of service",
    r"systemctl edit mattermost-backup": "not run: it opens an editor",
    r"rm /var/lib/mattermost-deploy/backup/known": "not run: it lets the next backup begin a new repository; tests/unit/test_backup_repository.py has what the file does",
    r"rm -rf /opt/mattermost\.before-import .*": "not run: it deletes a previous installation for good",
    r"gitlab-ctl reconfigure": "not run: GitLab's own command",
}


def of(path: Path) -> list[str]:
    """Return the commands of a page, each once, in its order: lines of its blocks of sh, and inline code that is a command."""
    text = repository.text(path)
    found = []
    for block in re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", text):
        lines = [re.sub(r"(^|\s)#\s.*", "", line).strip() for line in re.sub(r"\\\n\s*", "", block).splitlines()]
        found += [line for line in lines if line]
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", text)
    found += [code for code in re.findall(r"`([^`\n]+)`", prose) if COMMAND.fullmatch(code)]
    return list(dict.fromkeys(found))


def run_by(command: str) -> list:
    """Return what runs a command: one entry of ``RUN_BY`` when all is right."""
    return [how for pattern, how in RUN_BY.items() if re.fullmatch(pattern, command)]


def on_host() -> list[str]:
    """Return the commands of the pages that `ON_HOST` runs, each once, in the pages' order."""
    return list(dict.fromkeys(command for page in PAGES for command in of(page) if run_by(command) == [ON_HOST]))
