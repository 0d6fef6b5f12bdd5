from hypothesis import given
from hypothesis import strategies as st

from telephony.sim.live_ids import LiveIds

ids = st.text("abAB1-", min_size=1, max_size=4)


@given(st.lists(ids, max_size=8, unique_by=str.casefold), st.sets(ids, max_size=4), ids)
def test_an_id_clashes_when_a_living_one_begins_with_it_whatever_the_case(
    born: list[str], gone: set[str], asked: str
) -> None:
    live = LiveIds()
    for channel_id in born:
        live.add(channel_id)
    for channel_id in gone:
        live.remove(channel_id)
    dead = {channel_id.casefold() for channel_id in gone}
    alive = [channel_id.casefold() for channel_id in born if channel_id.casefold() not in dead]
    assert live.clashes(asked) == any(channel_id.startswith(asked.casefold()) for channel_id in alive)
