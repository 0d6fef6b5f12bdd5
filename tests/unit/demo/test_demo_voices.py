from media import levels, soundfiles
from server.demo import voices
from server.demo.behaviours import PERSON_VOICES

_LARGEST_BYTES = 3_000_000


def test_every_voice_is_listed_in_the_notice_with_its_source() -> None:
    notice = (voices.VOICES_DIR / "NOTICE.md").read_text(encoding="utf-8")
    files = sorted(voices.VOICES_DIR.glob("*.flac"))
    assert files
    assert [path.name for path in files if f"`{path.name}`" not in notice] == []
    assert sum(path.stat().st_size for path in files) < _LARGEST_BYTES


def test_every_person_has_words_and_a_sentence_with_what_follows() -> None:
    for voice in range(PERSON_VOICES):
        assert len(voices.words(voice)) >= 4
        greeting, talk = voices.sentence(voice)
        assert 0.9 < len(greeting) / 8000 < 3.0
        assert 2.0 < len(talk) / 8000 < 6.0


def test_ten_agents_speak_five_seconds_or_more_at_a_speaking_level() -> None:
    files = voices.agent_voice_files()
    assert len(files) == 10
    for path in files:
        samples = soundfiles.load(path)
        assert 5.0 < len(samples) / 8000 < 20.0
        assert -26.0 < levels.active_dbfs(samples) < -14.0


def test_no_callee_is_heard_in_an_agents_voice() -> None:
    agents = [soundfiles.load(path) for path in voices.agent_voice_files()]
    for voice in range(PERSON_VOICES):
        callee = soundfiles.load(voices.VOICES_DIR / f"sentence-{voice}-talk.flac")
        assert max(levels.find(callee[:12_000], agent).similarity for agent in agents) < 0.4
