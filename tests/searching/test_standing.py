"""What zero-cost proxies were worth is said without praise for what tells nothing."""

from __future__ import annotations

import pytest

from edgekit.searching.standing import rank_said


@pytest.mark.parametrize(
    ("ensemble", "parameters", "macs", "said"),
    [
        (0.8, 0.5, 0.6, "The proxies rank the candidates better than MACs alone (0.80 to 0.60)."),
        (0.5, 0.7, 0.6, "The parameters alone rank the candidates as well as the proxies (0.70 to 0.50)."),
        (-0.13, -0.49, -0.44, "Neither the proxies (-0.13) nor MACs alone (-0.44) rank the candidates."),
        (0.29, 0.1, None, "Neither the proxies (0.29) nor parameters alone (0.10) rank the candidates."),
        (-0.1, 0.6, 0.4, "The parameters alone rank the candidates as well as the proxies (0.60 to -0.10)."),
        (None, 0.6, 0.4, "40 trained candidates are too few, or too alike, to say how well the proxies rank them."),
    ],
)
def test_proxies_are_praised_only_where_they_rank(
    ensemble: float | None, parameters: float | None, macs: float | None, said: str
) -> None:
    assert rank_said({"ensemble": ensemble, "parameters": parameters, "macs": macs}, 40) == said
