"""Labels of kept calls reach the campaigns, and through them the abandonment budget."""

from pathlib import Path

from amd.kept import KeptCalls, Label
from amd.verdict import CallClass
from campaigns.campaign_file import read_campaign
from dialer.pacing.laws import amd_mistakes
from server.audited import audited_campaigns

TEXT = """
campaign_id = "{}"
name = "C"
caller_id = "+34910000000"
lists = ["una"]
trunks = ["carrier"]
seller = "Empresa"
{}
"""


def test_calls_drawn_by_lot_stand_in_for_an_audit_that_the_file_does_not_give(tmp_path: Path) -> None:
    kept = KeptCalls(tmp_path)
    for number in range(100):
        heard = CallClass.HUMAN if number < 2 else CallClass.MACHINE
        kept.label(Label(f"call{number}", heard, CallClass.MACHINE, "own", "t", "audit", "ana", 1.0))
    kept.label(Label("chosen", CallClass.HUMAN, CallClass.MACHINE, "own", "t", "useful", "ana", 1.0))
    files = {name: read_campaign(TEXT.format(name, more)) for name, more in (
        ("own", ""), ("other", ""), ("told", "[amd]\naudited = 7"), ("deaf", "[amd]\nenabled = false"),
    )}  # fmt: skip
    changed = audited_campaigns(files, tmp_path)
    assert set(changed) == {"own"}
    assert amd_mistakes(changed["own"]).estimate == 0.02
    assert 0.05 < amd_mistakes(changed["own"]).upper < 0.07


def test_without_labels_nothing_changes(tmp_path: Path) -> None:
    assert audited_campaigns({"own": read_campaign(TEXT.format("own", ""))}, tmp_path / "none") == {}
