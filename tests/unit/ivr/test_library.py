from pathlib import Path

from pytest import fixture, raises

from ivr.checker import Known
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


def test_given_a_file_that_is_broken_at_the_start_when_loaded_then_the_version_kept_last_is_served(
    folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    FlowLibrary(folder, versions=kept).reload()
    for broken in (text_of("One.").replace("start: a", "start: b"), "flow: hello\nnodes: [", "\x00"):
        (folder / "hello.yaml").write_text(broken)
        library = FlowLibrary(folder, versions=kept)
        done = library.reload()
        assert said(library) == "One." and len(done.refused) == 1 and done.removed == ()
        assert library.reload().removed == ()
    assert library.publish("hello", text_of("Two.")).file == str(folder / "hello.yaml")
    assert [each.number for each in library.versions("hello")] == [1, 2]


def test_given_a_call_of_before_when_its_version_is_asked_then_it_is_what_it_began_with(folder: Path) -> None:
    library = FlowLibrary(folder)
    library.reload()
    first = library.versions("hello")[0].version
    library.publish("hello", text_of("Two."))
    before = library.at_version("hello", first)
    assert before is not None and before.version == first and before.source == text_of("One.")
    assert library.at_version("hello", "0" * 12) is None and library.at_version("nobody", first) is None


def test_given_what_the_settings_offer_when_a_flow_wants_more_then_it_is_refused_with_file_line_and_place(
    folder: Path,
) -> None:
    queues: set[str] = set()
    library = FlowLibrary(folder, lambda: Known(queues=frozenset(queues)))
    (refused,) = library.reload().refused
    assert f"{folder / 'hello.yaml'}:4: rescue.queue: the settings know no queue 'q': add it under [[queues]]" in str(
        refused
    )
    queues.add("q")
    assert library.reload().taken == ("hello",)


def test_given_folders_hidden_files_and_scripts_when_loaded_then_only_flows_are(folder: Path) -> None:
    (folder / "es").mkdir()
    (folder / "es" / "hola.yml").write_text(text_of("Hola.", "hola"))
    (folder / ".git").mkdir()
    (folder / ".git" / "other.yaml").write_text(text_of("Other.", "other"))
    (folder / "hello.test.yaml").write_text("scenarios: []\n")
    assert set(FlowLibrary(folder).reload().taken) == {"hello", "hola"}


def test_given_a_folder_that_takes_no_versions_when_loaded_then_the_flow_is_served_and_it_is_told(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    library = FlowLibrary(folder, versions=tmp_path / "taken")
    done = library.reload()
    assert said(library) == "One." and "cannot be kept" in done.unkept[0]
