from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from ivr.yaml_text import LARGEST_BYTES, MOST_ALIASES, YamlRefused, read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 5)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@mark.parametrize(
    ("text", "line", "words"),
    [
        (LAUGHS, 1, "values once aliases are written out"),
        ("a: &a [*a]\n", 1, "does an alias"),
        ("a: &x 1\nb: [" + ", ".join(["*x"] * (MOST_ALIASES + 1)) + "]\n", 2, "aliases"),
        ("[" * 5000, 1, "nested deeper"),
        ("a: " + "{b: " * 30 + "1" + "}" * 30, 1, "nested deeper"),
        ("x" * (LARGEST_BYTES + 1), 1, "larger than"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "tag"),
        ("a: !!binary aGk=\n", 1, "tag"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", 3, "merge"),
        ("? [a, b]\n: 1\n", 1, "key"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: \x07\n", 1, "U+0007"),
        ("", 1, "empty"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
    ],
)
def test_given_a_dangerous_or_broken_text_when_read_then_it_is_refused_with_its_line(
    text: str, line: int, words: str
) -> None:
    with raises(YamlRefused) as caught:
        read_yaml(text)
    assert words in str(caught.value)
    if text is not LAUGHS:
        assert caught.value.line == line


def test_given_words_that_old_yaml_twists_when_read_then_they_stay_what_they_look_like() -> None:
    read = read_yaml("on: yes\nno: 08:00\nphone: 0012\nkeys: {1: a, '2': b}\nn: 12\nx: 1.5\nt: true\nnothing:\n")
    assert read.value == {
        "on": "yes",
        "no": "08:00",
        "phone": "0012",
        "keys": {"1": "a", "2": "b"},
        "n": 12,
        "x": 1.5,
        "t": True,
        "nothing": None,
    }


def test_given_nested_values_when_read_then_each_has_its_line() -> None:
    read = read_yaml("a:\n  b:\n    - x\n    - c: 1\n")
    assert read.line_of(("a", "b", 1, "c")) == 4
    assert read.line_of(("a", "b", 0)) == 3
    assert read.line_of(("a", "missing")) == 1


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text("{}[]:,&*!|>-?'\"\n ab1<%@`#~", max_size=80)
)
def test_given_any_text_when_read_then_it_is_read_or_refused(text: str) -> None:
    try:
        read_yaml(text)
    except YamlRefused as refused:
        assert refused.line >= 1
