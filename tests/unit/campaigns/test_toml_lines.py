import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.toml_lines import line_of, lines_of_keys

TEXT = '''\
# a comment with [brackets] = and "quotes"
a = 1
b.c = "x = [y"   # [not a table]
long = """
[fake]
z = 1
"""
[table]
"quoted key" = 'its'
list = [
  1, # ]
  "]",
]
after = {x = 1, y = [2]}
[table.sub]
k = 1
[[many]]
k = 1
[[many]]
k = 2
[many.inner]
k = 3
'''


def test_keys_tables_and_arrays_are_found_on_their_lines():
    tomllib.loads(TEXT)
    lines = lines_of_keys(TEXT)
    assert {path: lines[path] for path in lines if path != ()} == {
        ("a",): 2, ("b", "c"): 3, ("long",): 4, ("table",): 8, ("table", "quoted key"): 9, ("table", "list"): 10,
        ("table", "after"): 14, ("table", "sub"): 15, ("table", "sub", "k"): 16, ("many",): 17, ("many", 0): 17,
        ("many", 0, "k"): 18, ("many", 1): 19, ("many", 1, "k"): 20, ("many", 1, "inner"): 21,
        ("many", 1, "inner", "k"): 22,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "line"),
    [(("table", "after", "x"), 14), (("table", "list", 1), 10), (("many", 1, "absent"), 19), (("absent",), 1), ((), 1)],
)
def test_what_stands_nowhere_is_at_the_nearest_thing_around_it(path, line):
    assert line_of(lines_of_keys(TEXT), path) == line


NAMES = st.text("abcxyz_-09", min_size=1, max_size=6)
VALUES = st.sampled_from(
    ['"a"', "1", "[\n 1,\n 2]", '"""\n[x]\ny = 1\n"""', "'''\n=\n'''", '{q = "]"}', '"#[="', "'\"'"]
)


@given(st.lists(st.tuples(NAMES, VALUES), unique_by=lambda pair: pair[0], max_size=8), st.booleans())
def test_every_key_is_on_the_line_where_it_was_written(pairs, in_table):
    text, wanted = ("[t]\n" if in_table else ""), {}
    for name, value in pairs:
        wanted[("t", name) if in_table else (name,)] = text.count("\n") + 1
        text += f"{name} = {value}  # c [x]\n"
    tomllib.loads(text)
    lines = lines_of_keys(text)
    assert {path: lines[path] for path in wanted} == wanted
