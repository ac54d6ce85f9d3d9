"""The proofs of `python -m bench.proof`, each once: the commands repeat them."""

from pathlib import Path

import pytest

from bench.proof import database, engine, shutdown
from bench.proof.troubled_app import Trouble
from tests.tiny import save_tiny_model

pytestmark = pytest.mark.slow


async def test_a_stopped_app_is_not_ready_first_and_ends_every_stream(tmp_path: Path) -> None:
    [stop] = await shutdown.measure(1, save_tiny_model(tmp_path / "tiny"))
    assert stop.holds, stop


@pytest.mark.postgres
async def test_a_database_that_is_gone_loses_nothing_that_was_acknowledged() -> None:
    for outage in await database.measure(seconds=3):
        assert outage.holds, outage


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble.KILLED,
        pytest.param(Trouble.FAILS, marks=pytest.mark.long),
        pytest.param(Trouble.HANGS, marks=pytest.mark.long),
        pytest.param(Trouble.HANGS_WITH_LOCK, marks=pytest.mark.long),
    ],
)
async def test_an_engine_that_is_lost_or_fails_costs_no_stored_text(trouble: Trouble) -> None:
    loss = await engine.measure_one(trouble)
    assert loss.holds, loss
