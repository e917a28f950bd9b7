"""docs/misra.md says why of every rule that the add-on finds broken."""

import shutil

import pytest

from tools.misra import ROOT, WHY, findings, library


def test_the_page_has_every_reason():
    page = (ROOT / "docs" / "misra.md").read_text()
    assert all(f"| {rule} |" in page and f"| {why} |" in page for rule, why in WHY.items())


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cppcheck"), reason="cppcheck is not installed")
def test_every_rule_that_is_found_has_its_reason(tmp_path):
    assert not findings(library(tmp_path / "library")).keys() - WHY.keys()
