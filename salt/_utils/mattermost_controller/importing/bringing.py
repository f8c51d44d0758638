"""The end of an import: its source is stopped, the rest is copied, and the target gets the source's settings."""

from __future__ import annotations

from mattermost_controller.importing import plan
from mattermost_controller.moving import copying, transfer
from mattermost_controller.stages import stage as stages

DEPLOYED = ("mattermost.deploy.database", "mattermost.deploy.server")  # in place: while the source is aside


def bring(
    source: transfer.Endpoint,
    target: transfer.Endpoint,
    say,
    variables: dict,
    settings: dict,
    site: str,
    aside="",
    apply=None,
) -> copying.Outcome:
    """Stop the source and have the target serve with its data and settings. Raises TransferError, the source serving again.

    variables: of the source's server. settings: the target's merged ones. site: URL that the server knows its site by, "" for its public
    name's. aside: library of the source when it is aside, in an import in place; apply then has the target's server there.
    """

    def config(data: bytes) -> bytes:
        try:
            fresh = plan.parse_config(target.run_with_input("give_config"), "target")
            return plan.render_config(plan.merge_config(plan.parse_config(data), variables, settings, fresh, site))
        except ValueError as err:
            raise transfer.TransferError(str(err)) from None

    def deploy() -> None:
        source.install(aside)
        source.run("is_held && roots")
        apply()
        source.run("is_held")

    return copying.cut_over(source, target, say, config, deploy if aside else None)


def judge(slses: list[str], host_id: str, answer) -> None:
    """Raise TransferError when the states *slses* failed on a host. answer: what Salt returned for it."""
    results = stages.results_of(answer)
    name = " and ".join(sls.rpartition(".")[2] for sls in slses)
    judged = stages.stage_result(name, {host_id: results or stages.no_results_reason(answer)}, False)
    if judged["result"] is False:
        raise transfer.TransferError(judged["comment"])
