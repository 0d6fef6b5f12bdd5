"""Who hears which event."""

from dialer.events import DialerEvent, LinkChanged, Trouble
from server.event_hub import EventHub
from telephony.events import LinkState


def test_given_listeners_of_kinds_then_each_hears_its_own_in_order_and_who_stopped_hears_nothing() -> None:
    hub, heard = EventHub(), list[tuple[str, DialerEvent]]()
    hub.listen(lambda event: heard.append(("all", event)))
    stop = hub.listen(lambda event: heard.append(("links", event)), LinkChanged)
    trouble, link = Trouble(1.0, "test", "words"), LinkChanged(2.0, LinkState.UP)
    hub.take(trouble)
    hub.take(link)
    assert heard == [("all", trouble), ("all", link), ("links", link)]
    stop()
    hub.take(link)
    hub.listen(lambda event: heard.append(("late", event)), LinkChanged, Trouble)
    hub.take(trouble)
    assert heard[3:] == [("all", link), ("all", trouble), ("late", trouble)]
    assert list(hub.troubles()) == [trouble, trouble]
