"""Which law a campaign is paced by."""

from campaigns.campaign import Campaign, DialMode
from dialer.pacing.hazard import hazard_law
from dialer.pacing.plan import PacingLaw
from dialer.pacing.simple import AgentPlaced, Ratio, progressive


def make_law(campaign: Campaign) -> PacingLaw:
    """A fresh law for a campaign, by its dial mode."""
    match campaign.mode:
        case DialMode.MANUAL | DialMode.PREVIEW:
            return AgentPlaced()
        case DialMode.PROGRESSIVE:
            return progressive()
        case DialMode.RATIO:
            return Ratio(campaign.pacing.ratio)
        case DialMode.PREDICTIVE:
            return hazard_law(campaign.pacing.ratio, campaign.ring_timeout_s, campaign.wrap_up.max_s)
