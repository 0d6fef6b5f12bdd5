import random
import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.csv_text import LeadFileError
from campaigns.ids import new_id
from campaigns.lead import Lead
from campaigns.lead_import import ImportOptions, Rejection, read_leads, spreadsheet_safe


def imported(content: bytes | str, chunk: int = 0, **options: object) -> tuple[list[Lead], list[Rejection]]:
    raw = content.encode() if isinstance(content, str) else content
    numbers = count(1)
    step = chunk or len(raw) or 1
    chunks = [raw[start : start + step] for start in range(0, len(raw), step)]
    leads: list[Lead] = []
    rejections: list[Rejection] = []
    for batch in read_leads(chunks, ImportOptions("list", **options), lambda: f"lead-{next(numbers)}"):  # type: ignore[arg-type]
        leads += batch.leads
        rejections += batch.rejections
    return leads, rejections


def phones(content: bytes | str, **options: object) -> list[str]:
    return [lead.phone for lead in imported(content, **options)[0]]


SPANISH = "teléfono;nombre;ciudad\n612 345 678;Begoña Núñez;Cádiz\n912345678;José;León\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("chunk", [0, 1, 7])
def test_every_usual_encoding_reads_the_same(encoding, chunk):
    leads, rejections = imported(SPANISH.encode(encoding), chunk)
    assert not rejections
    assert [(lead.phone, lead.name, lead.fields) for lead in leads] == [
        ("+34612345678", "Begoña Núñez", {"ciudad": "Cádiz"}),
        ("+34912345678", "José", {"ciudad": "León"}),
    ]


def test_the_first_latin_1_letter_may_come_late():
    rows = "".join(f"6{index:08d};Ana;Madrid\n" for index in range(10_000_000, 10_005_000))
    content = ("telefono;nombre;ciudad\n" + rows + "612345678;Íñigo;Logroño\n").encode("latin-1")
    leads, _ = imported(content, 4096)
    assert (leads[-1].name, leads[-1].fields) == ("Íñigo", {"ciudad": "Logroño"})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_usual_delimiter_and_line_end(delimiter, line_end):
    content = SPANISH.replace(";", delimiter).replace("\n", line_end)
    assert phones(content) == ["+34612345678", "+34912345678"]


def test_excels_sep_line_is_obeyed_and_lines_are_still_counted_from_one():
    leads, rejections = imported("sep=|\ntelefono|nombre\n612345678|Ana; Luis\nx|B\n")
    assert [lead.name for lead in leads] == ["Ana; Luis"]
    assert [rejection.line for rejection in rejections] == [4]


def test_a_single_column_needs_no_delimiter():
    assert phones("phone\n+34612345678\n") == ["+34612345678"]


@pytest.mark.parametrize(
    "header",
    [
        "Teléfono",
        "TELEFONO",
        "tel.",
        "Móvil",
        "Celular",
        "Phone Number",
        "Número de teléfono",
        "mobile",
        "phone_number",
    ],
)
def test_header_names_in_both_languages(header):
    assert phones(f"{header};x\n612345678;y\n") == ["+34612345678"]


def test_name_surname_zone_and_priority_are_understood():
    content = "Nombre,Apellidos,Móvil,Zona horaria,Prioridad\nAna,Gil Ruiz,612345678,Atlantic/Canary,5\n"
    [lead] = imported(content)[0]
    assert (lead.name, lead.time_zone, lead.priority, lead.fields) == ("Ana Gil Ruiz", "Atlantic/Canary", 5, {})


def test_the_mapping_goes_before_known_names():
    content = "telefono;contacto 2\n912345678;612345678\n"
    assert phones(content, columns={"phone": "Contacto 2"}) == ["+34612345678"]


def test_a_second_phone_column_is_kept_as_a_field():
    [lead] = imported("telefono;movil\n912345678;612345678\n")[0]
    assert (lead.phone, lead.fields) == ("+34912345678", {"movil": "612345678"})


def test_quoted_cells_hold_delimiters_line_ends_and_quotes():
    content = 'telefono;nota;nombre\n612345678;"a;b\nc ""d""";Ana\n912345678;x;Luis\nbad;y;z\n'
    leads, rejections = imported(content)
    assert leads[0].fields == {"nota": 'a;b\nc "d"'}
    assert leads[1].name == "Luis"
    assert [rejection.line for rejection in rejections] == [5]


def test_a_quote_that_never_closes_costs_its_own_row_only():
    rows = "".join(f"6{index:08d};Ana\n" for index in range(10_000_000, 10_000_300))
    leads, rejections = imported('telefono;nombre\n612345678;"Luis\n' + rows)
    assert len(leads) == 300
    assert [(rejection.line, "never closes" in rejection.reason) for rejection in rejections] == [(2, True)]


def test_a_quote_inside_an_unquoted_cell_is_just_a_character():
    leads, rejections = imported('telefono;nota\n612345678;tubo de 5"\n912345678;b\n')
    assert [lead.fields["nota"] for lead in leads] == ['tubo de 5"', "b"]
    assert not rejections


@pytest.mark.parametrize(
    "cell",
    [
        "612345678", "612 34 56 78", "+34 612-345-678", "0034612345678", '"=""0034612345678"""', "=0034612345678",
        "'612345678", "34612345678", "612345678.0", "(+34) 612 345 678", "\u202a+34612345678\u202c",
        '="0034612345678"', "612\u00a0345\u00a0678",
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_and_spreadsheets_write_it(cell):
    assert phones(f"telefono;nombre\n{cell};Ana\n") == ["+34612345678"]


@pytest.mark.parametrize(
    ("cell", "reason", "shown"),
    [
        ("3.46E+10", "scientific", "3.***"),
        ("3,46123E+10", "scientific", "3,*****+10"),
        ("", "empty", "(empty)"),
        ("n/a", "letters", "n/***"),
        ("61234567", "too few digits", "61***567"),
        ("6123456789012", "too many digits", "61********012"),
        ("+999612345678", "country prefix", "+99*******678"),
        ("012345678", "no subscriber", "01****678"),
        ("612345678 ext 5", "letters", "61*****785"),
        ("12", "too few", "12***"),
    ],
)
def test_a_wrong_number_is_refused_with_a_reason_and_never_shown_whole(cell, reason, shown):
    [lead], [rejection] = imported(f'telefono;nombre\n"{cell}";Ana\n912345678;Luis\n')
    assert lead.phone == "+34912345678"
    assert (rejection.line, rejection.column) == (2, "telefono")
    assert reason in rejection.reason
    if reason != "scientific":
        assert rejection.value == shown


def test_the_second_of_two_equal_numbers_is_refused():
    leads, [rejection] = imported("telefono;nombre\n612345678;Ana\n+34 612 345 678;Otra\n")
    assert [lead.name for lead in leads] == ["Ana"]
    assert (rejection.line, rejection.reason) == (3, "the same number is in line 2")
    assert "612345" not in str(rejection)


def test_a_row_with_too_many_cells_is_refused_and_one_with_too_few_is_not():
    leads, [rejection] = imported("telefono,nombre,nota\n612345678,Gil, Ana,x\n912345678\n")
    assert [lead.phone for lead in leads] == ["+34912345678"]
    assert "4 cells, the header 3" in rejection.reason


def test_zone_comes_from_the_number_only_when_there_is_no_doubt():
    leads, _ = imported("phone\n+525512345678\n+34612345678\n+34922123456\n")
    assert [lead.time_zone for lead in leads] == ["America/Mexico_City", "", "Atlantic/Canary"]


def test_a_sales_area_called_zona_is_a_field_but_a_wrong_time_zone_is_refused():
    [lead], _ = imported("telefono;zona\n912345678;Norte\n")
    assert (lead.time_zone, lead.fields) == ("Europe/Madrid", {"zona": "Norte"})
    _, [rejection] = imported("telefono;zona horaria\n912345678;Norte\n")
    assert "IANA" in rejection.reason


def test_a_wrong_priority_is_refused():
    _, [rejection] = imported("telefono;prioridad\n912345678;alta\n")
    assert rejection.column == "prioridad"


def test_a_row_with_nul_bytes_is_refused_alone():
    rows = "".join(f"6{index:08d};Ana\n" for index in range(10_000_000, 10_000_050))
    leads, [rejection] = imported("telefono;nombre\n612345678;A\x00na\n" + rows)
    assert (len(leads), rejection.line) == (50, 2)
    assert "NUL" in rejection.reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "empty"),
        (b"\x00" * 500, "empty"),
        (b"telefono;nombre\n", "no leads below"),
        (b"telefono;nombre\n\n;;\n", "no leads below"),
        (b"ciudad;nombre\nCadiz;Ana\n", "no column holds the phone"),
        (b"612345678;Ana\n612345679;Luis\n", "not a header"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (bytes(range(256)) * 40, "binary"),
        (b"tele\x00fono;nombre;direccion;ciudad;provincia\n612345678;Ana;b;c;d\n", "header"),
        (b"telefono\n" + b"6" * 1_100_000, "longer than"),
    ],
)
def test_a_file_that_is_no_list_of_leads_gets_one_clear_message(content, words):
    with pytest.raises(LeadFileError, match=words):
        imported(content)


def test_wrong_options_are_named():
    with pytest.raises(LeadFileError, match="two capital letters"):
        imported(SPANISH, region="Spain")
    with pytest.raises(LeadFileError, match="'fono'; the file has 'teléfono'"):
        imported(SPANISH, columns={"phone": "fono"})
    with pytest.raises(LeadFileError, match="'fone', which a lead does not have"):
        imported(SPANISH, columns={"fone": "telefono"})
    with pytest.raises(LeadFileError, match="encoding 'klingon'"):
        imported(SPANISH, encoding="klingon")


def test_batches_come_while_the_file_is_still_being_read():
    asked = 0

    def chunks():
        nonlocal asked
        yield b"telefono\n"
        for index in range(10_000_000, 10_050_000):
            asked += 1
            yield f"6{index:08d}\n".encode()

    first = next(read_leads(chunks(), ImportOptions("l", batch_size=100), lambda: "id"))
    assert len(first.leads) == 100
    assert asked < 10_000


@pytest.mark.parametrize("text", ["=1+1", "+34612345678", "-1", "@SUM(A1)", "\tx"])
def test_a_report_for_spreadsheets_never_holds_a_formula(text):
    assert spreadsheet_safe(text) == "'" + text
    assert spreadsheet_safe("Ana") == "Ana"


@given(st.binary(max_size=400))
def test_any_bytes_give_leads_rejections_or_one_message(content):
    try:
        leads, _ = imported(content)
    except LeadFileError as error:
        assert str(error)
    else:
        assert all(lead.phone.startswith("+") for lead in leads)


CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["612345678", "912345678", "x", "", "+525512345678"]), CELLS), max_size=30))
def test_every_row_is_imported_or_named_once(rows):
    body = "".join('{};"{}"\n'.format(phone, note.replace('"', '""')) for phone, note in rows)
    try:
        leads, rejections = imported("telefono;nota\n" + body)
    except LeadFileError:
        assert not any(phone or note.strip() for phone, note in rows)
        return
    blank = sum(not phone and not note.strip() for phone, note in rows)
    assert len(leads) + len(rejections) == len(rows) - blank
    lines = [rejection.line for rejection in rejections]
    assert len(set(lines)) == len(lines)
    assert all(rows[line - 2] for line in lines)


@given(st.text(alphabet='6",;\n12 a', max_size=120))
def test_broken_quotes_never_lose_the_last_good_row(noise):
    leads, _ = imported("telefono;nota\n" + noise.replace('"', "") + "\n+525512345678;fin\n")
    assert leads[-1].phone == "+525512345678"


def _seconds_for(rows: int) -> float:
    rng = random.Random(7)
    body = "".join(
        f'6{index:08d};Persona {index};"Calle {index}, 3";Madrid\n' for index in range(10_000_000, 10_000_000 + rows)
    )
    content = ("telefono;nombre;direccion;ciudad\n" + body).encode()
    chunks = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
    started_s = time.process_time()
    total = sum(len(batch.leads) for batch in read_leads(chunks, ImportOptions("l"), lambda: new_id(1.7e9, rng)))
    assert total == rows
    return time.process_time() - started_s


def test_a_hundred_thousand_rows_take_under_20_seconds_and_time_grows_with_size_only():
    small_s, middle_s, large_s = (_seconds_for(rows) for rows in (10_000, 30_000, 100_000))
    assert large_s < 20
    assert large_s / 100_000 < 2 * small_s / 10_000
    assert middle_s / 30_000 < 2 * small_s / 10_000
