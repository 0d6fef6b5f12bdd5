"""The simulator's law for a campaign: what would pace it live."""

from dataclasses import replace

from campaigns.campaign import Campaign, DialMode, PacingLawName
from dialer.pacing.sim.laws import LAWS, SimLaw

_BY_MODE = {
    DialMode.MANUAL: "manual",
    DialMode.PREVIEW: "preview",
    DialMode.PROGRESSIVE: "progressive",
}


def law_of(campaign: Campaign) -> SimLaw:
    """By the campaign's mode and [pacing]; with interruptible wrap-up when its agents agreed to it."""
    pacing, share = campaign.pacing, campaign.wrap_up.interruptible_share
    if name := _BY_MODE.get(campaign.mode):
        return LAWS[name]
    if campaign.mode is DialMode.RATIO or pacing.law is PacingLawName.RATIO:
        return replace(LAWS["ratio-2"], name=f"ratio-{pacing.ratio:g}", knob=pacing.ratio)
    if pacing.law is PacingLawName.WOMBAT_BOOST:
        return replace(LAWS["wombat-boost-2"], name=f"wombat-boost-{pacing.ratio:g}", knob=pacing.ratio)
    if pacing.law is PacingLawName.HAZARD and share > 0.0:
        return replace(LAWS["hazard-wrap"], interrupt_share=share, start_ratio=pacing.ratio)
    law = LAWS[pacing.law.value]
    return replace(law, knob=pacing.level_max) if pacing.law.value.startswith("vicidial") else law
