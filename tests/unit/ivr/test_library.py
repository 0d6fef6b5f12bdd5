from pathlib import Path

from pytest import fixture, raises

from ivr.flow import FlowError
from ivr.given import Given
from ivr.library import FlowLibrary
from ivr.session import Session
from ivr.simulate import SimulatedLine, Walk, simulated_world
from telephony.sim.virtual_time import VirtualClock, run_virtual
from tests.unit.ivr.flows import Presses


def text_of(words: str, name: str = "hello") -> str:
    return f"flow: {name}\nlanguage: en\nstart: a\nrescue: {{queue: q}}\nnodes:\n  a: {{do: goodbye, text: {words}}}\n"


@fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hello.yaml").write_text(text_of("One."))
    return tmp_path


def said(library: FlowLibrary) -> str:
    loaded = library.get("hello")
    assert loaded is not None
    return next(iter(loaded.flow.nodes.values())).text.first()  # type: ignore[union-attr]


def test_given_a_changed_file_when_reloaded_then_new_calls_get_it_and_old_ones_keep_theirs(folder: Path) -> None:
    library = FlowLibrary(folder)
    assert library.reload().taken == ("hello",)

    async def a_call_over_a_reload() -> list[str]:
        loaded = library.get("hello")
        assert loaded is not None
        taken, given = Walk(), Given()
        world = simulated_world(given, taken, VirtualClock(), __import__("random").Random(1))
        session = Session(loaded, SimulatedLine(given, Presses(), taken, lambda line: None), world)
        (folder / "hello.yaml").write_text(text_of("Two."))
        library.reload()
        await session.run()
        return taken.heard

    assert run_virtual(a_call_over_a_reload()) == ["One."]
    assert said(library) == "Two."


def test_given_a_broken_file_when_reloaded_then_the_good_version_is_served_on_and_the_fault_told(folder: Path) -> None:
    library = FlowLibrary(folder)
    library.reload()
    (folder / "hello.yaml").write_text(text_of("One.").replace("start: a", "start: b"))
    done = library.reload()
    assert said(library) == "One."
    assert "hello.yaml:3: start: there is no node 'b'" in str(done.refused[0])
    assert done.removed == ()


def test_given_two_files_with_one_name_when_reloaded_then_the_second_is_refused(folder: Path) -> None:
    (folder / "other.yaml").write_text(text_of("Other."))
    done = FlowLibrary(folder).reload()
    assert done.taken == ("hello",)
    assert "another file has a flow 'hello'" in str(done.refused[0])


def test_given_published_versions_when_rolled_back_then_the_older_text_is_served_and_on_disk(folder: Path) -> None:
    library = FlowLibrary(folder)
    library.reload()
    library.publish("hello", text_of("Two."))
    library.publish("hello", text_of("Three."))
    first = library.versions("hello")[0].version
    assert library.roll_back("hello").flow.flow == "hello"
    assert said(library) == "Two."
    library.roll_back("hello", first)
    assert (folder / "hello.yaml").read_text() == text_of("One.")
    assert [each.number for each in library.versions("hello")] == [1, 2, 3, 4, 5]
    with raises(KeyError):
        library.roll_back("hello", "unknown")


def test_given_a_broken_text_when_published_then_nothing_changes(folder: Path) -> None:
    library = FlowLibrary(folder)
    library.reload()
    for text in (text_of("{x}"), text_of("Two.", name="other"), "nodes: ["):
        with raises(FlowError):
            library.publish("hello", text)
    assert said(library) == "One."
    assert (folder / "hello.yaml").read_text() == text_of("One.")


def test_given_a_new_server_when_it_loads_the_folder_then_history_is_known_and_not_doubled(folder: Path) -> None:
    FlowLibrary(folder).reload()
    again = FlowLibrary(folder)
    again.reload()
    assert len(again.versions("hello")) == 1
    (folder / "hello.yaml").unlink()
    assert again.reload().removed == ("hello",)
