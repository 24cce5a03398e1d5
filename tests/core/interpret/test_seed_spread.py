"""What chance does, told from a few runs."""

import torch

from minigpt_core.interpret.seed_spread import T_95, seed_spread


def test_one_run_of_each_setting_tells_nothing() -> None:
    assert seed_spread([]) is None
    assert seed_spread([[2.3], [2.1]]) is None


def test_settings_are_pooled_by_how_their_seeds_scatter_not_by_where() -> None:
    spread = seed_spread([[2.0, 2.1], [5.0, 5.1], [9.0]])
    assert spread is not None and (spread.freedom, spread.runs) == (2, 4)
    assert abs(spread.deviation - 0.1 / 2**0.5) < 1e-9


def test_two_runs_of_one_setting_lie_within_the_margin_in_95_of_100_cases() -> None:
    draw = torch.Generator().manual_seed(1)
    for seeds in (2, 3, 6, 40):
        inside, cases = 0, 4000
        for losses in (
            2 + 0.03 * torch.randn(cases, seeds + 3, generator=draw, dtype=torch.float64)
        ).tolist():
            spread = seed_spread([losses[3:]])
            assert spread is not None
            inside += abs(losses[0] - losses[1]) < spread.margin()
            inside += abs((losses[0] + losses[1]) / 2 - losses[2]) < spread.margin(2, 1)
        assert 0.94 < inside / (2 * cases) < 0.96 or (seeds > len(T_95) and inside / (2 * cases) > 0.95)
