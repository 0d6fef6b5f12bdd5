"""Which law a campaign is paced by."""

from dataclasses import dataclass

from campaigns.audit import MistakenShare, mistaken_share
from campaigns.campaign import Campaign, DialMode, PacingLawName, PacingSettings
from dialer.pacing import baselines_core as base
from dialer.pacing import counted
from dialer.pacing.ab import AbLaw
from dialer.pacing.counted import CountedLaw
from dialer.pacing.hazard import hazard_law
from dialer.pacing.learned import Learned
from dialer.pacing.plan import PacingLaw
from dialer.pacing.simple import AgentPlaced, Ratio, progressive

_L = PacingLawName
_HAZARD = (_L.HAZARD, _L.HAZARD_NO_GIVE_UP)
_VICIDIAL = {
    _L.VICIDIAL_HARD_LIMIT: base.HARD_LIMIT,
    _L.VICIDIAL_AVERAGE: base.AVERAGE,
    _L.VICIDIAL_TAPERED: base.TAPERED,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a campaign's first call. learned: from its past; machine_share: see `HazardSettings`."""

    learned: Learned | None = None
    machine_share: float = 0.0


def make_law(campaign: Campaign, known: Known = Known()) -> PacingLaw:
    """A fresh law for a campaign, by its dial mode; in mode predictive the one that its file names."""
    match campaign.mode:
        case DialMode.MANUAL | DialMode.PREVIEW:
            return AgentPlaced()
        case DialMode.PROGRESSIVE:
            return progressive()
        case DialMode.RATIO:
            return Ratio(campaign.pacing.ratio)
        case DialMode.PREDICTIVE if campaign.ab:
            first, second = (predictive(campaign, each, known) for each in (campaign.pacing, campaign.ab.pacing))
            return AbLaw(first, second, campaign.pacing, campaign.ab)
        case DialMode.PREDICTIVE:
            return predictive(campaign, campaign.pacing, known)


def learns_from_past(campaign: Campaign) -> bool:
    """Whether a law of this campaign begins with what `Known` says."""
    paces = [campaign.pacing, campaign.ab.pacing] if campaign.ab else [campaign.pacing]
    return campaign.mode is DialMode.PREDICTIVE and any(each.law in _HAZARD for each in paces)


def predictive(campaign: Campaign, pacing: PacingSettings, known: Known) -> PacingLaw:
    """The law that these settings name."""
    name, wrap_up_s = pacing.law, max(1.0, 0.6 * campaign.wrap_up.max_s)
    match name:
        case _L.HAZARD | _L.HAZARD_NO_GIVE_UP:
            return hazard_law(
                pacing.ratio,
                campaign.ring_timeout_s,
                campaign.wrap_up.max_s,
                give_up=name is _L.HAZARD,
                false_positive_share=amd_mistakes(campaign).upper,
                interruptible=campaign.wrap_up.interruptible_share > 0.0,
                machine_share=known.machine_share,
                zone=campaign.hours.time_zone,
                past=known.learned,
            )
        case _L.PROGRESSIVE:
            return progressive()
        case _L.RATIO:
            return Ratio(pacing.ratio)
    counted.warm_up()
    match name:
        case _L.AVERAGES:
            return CountedLaw(name.value, "averages", wrap_up_s=wrap_up_s)
        case _L.WOMBAT_BOOST:
            return CountedLaw(name.value, "wombat", pacing.ratio, wrap_up_s=wrap_up_s)
        case _L.ISSABEL | _L.ISSABEL_ASR:
            return CountedLaw(name.value, "issabel", float(name is _L.ISSABEL_ASR), wrap_up_s=wrap_up_s)
        case _:
            return CountedLaw(name.value, "vicidial", pacing.level_max, _VICIDIAL[name], wrap_up_s)


def amd_mistakes(campaign: Campaign) -> MistakenShare:
    """What is known of people whom AMD takes for machines in this campaign."""
    amd = campaign.amd
    return mistaken_share(amd.audited, amd.audited_people, amd.assumed_people if amd.enabled else 0.0)
