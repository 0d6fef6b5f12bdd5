"""How long dialling goes on in the period that the abandonment cap is counted over."""

from campaigns.calling_window import CallingWindow
from campaigns.campaign import Campaign

_STEP_S = 300.0
_LOOK_AGAIN_S = 60.0
_LONGEST_S = 86_400.0
_SHORTEST_S = 60.0
_ELSEWHERE_S = 3600.0


def window_left_s(window: CallingWindow, zone: str, wall_s: float) -> float:
    """Seconds until the window closes for `zone`, at most a day; 0 when it is closed. To the second."""
    if not window.is_open(wall_s, zone):
        return 0.0
    last_s, ahead_s = 0.0, _STEP_S
    while ahead_s < _LONGEST_S and window.is_open(wall_s + ahead_s, zone):
        last_s, ahead_s = ahead_s, ahead_s + _STEP_S
    if ahead_s >= _LONGEST_S:
        return _LONGEST_S
    while ahead_s - last_s > 1.0:
        middle_s = (last_s + ahead_s) / 2
        if window.is_open(wall_s + middle_s, zone):
            last_s = middle_s
        else:
            ahead_s = middle_s
    return round(ahead_s, 3)


class WindowLeft:
    """The campaign's own calling window, by its home zone's clock: callees elsewhere may have a little more or less.

    While it is closed at home people elsewhere may still be called: then an hour is assumed.
    """

    def __init__(self, campaign: Campaign) -> None:
        """Watch this campaign's hours."""
        self._window = campaign.calling_window()
        self._zone = campaign.hours.time_zone
        self._looked_s = -1e18
        self._left_s = 0.0

    def at(self, wall_s: float) -> float:
        """Seconds left at this moment (seconds since 1970, UTC), at least a minute."""
        if not 0.0 <= wall_s - self._looked_s < _LOOK_AGAIN_S:
            self._looked_s = wall_s
            self._left_s = window_left_s(self._window, self._zone, wall_s)
        if self._left_s == 0.0:
            return _ELSEWHERE_S
        return max(_SHORTEST_S, round(self._left_s - (wall_s - self._looked_s), 3))
