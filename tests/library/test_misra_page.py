"""docs/misra.md says why of every rule that the add-on finds broken."""

import shutil

import pytest

from tools.misra import ROOT, WHY, findings, library


def test_the_page_has_every_reason():
    page = (ROOT / "docs" / "misra.md").read_text()
    assert all(f"| {rule} |" in page and f"| {why} |" in page for rule, why in WHY.items())


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cppcheck"), reason="cppcheck is not installed")
def test_the_rules_that_are_found_are_those_that_have_a_reason(tmp_path):
    assert findings(library(tmp_path / "library")).keys() == WHY.keys()
