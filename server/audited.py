"""What people who listened to kept calls found of AMD's errors, for campaigns whose files say nothing of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from amd.audit import AuditedLabels
from amd.kept import KeptCalls
from campaigns.campaign import Campaign


def audited_campaigns(campaigns: Mapping[str, Campaign], folder: Path) -> dict[str, Campaign]:
    """Those campaigns that change: calls drawn by lot and labelled stand in for `[amd] audited`. Blocking.

    Labels of a campaign's own calls count; a file that gives `audited` itself is left alone. Raises KeptUnusable.
    """
    labels = AuditedLabels(KeptCalls(folder).labels().values())
    changed = {}
    for campaign_id, campaign in campaigns.items():
        found = labels.false_positives(campaign_id)
        if found.audited and campaign.amd.enabled and not campaign.amd.audited:
            amd = replace(campaign.amd, audited=found.audited, audited_people=found.people)
            changed[campaign_id] = replace(campaign, amd=amd)
    return changed
