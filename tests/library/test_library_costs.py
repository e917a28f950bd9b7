"""A library never takes more than the server of the same plan, and slices add next to nothing."""

import pytest
from emulators import need_emulator

from tools.budgets import MODELS
from tools.library_costs import measure


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "har", "kws"])
def test_a_library_beside_the_server(tmp_path, name):
    need_emulator()
    if not MODELS[name].is_file():
        pytest.skip("the shared models are not there")
    found = measure(MODELS[name], tmp_path)
    server, library = found.server, found.library
    for figure in ("flash", "ram", "stack", "sample"):
        assert getattr(library, figure) <= getattr(server, figure), figure
    assert library.step <= server.step * 1.002
    assert {s.digest for s in found.sliced} == {server.digest} == {library.digest}
    for sliced in found.sliced:
        assert library.step * 0.98 <= sliced.total <= library.step * 1.02
        assert sliced.longest <= 1.1 * max(sliced.budget, found.longest)
    assert [s.slices for s in found.sliced] == sorted(s.slices for s in found.sliced)
