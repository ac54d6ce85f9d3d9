"""Random walks through masks: whatever ends is JSON of its schema."""

import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.grammar import Json, Maker, check_fits, shape
from tests.schemas import SCHEMA_CHECKS
from tests.shapes import ACCEPTED, WALKED

SCHEMAS = [*WALKED.items(), *SCHEMA_CHECKS, *((str(schema), schema) for schema, _, _ in ACCEPTED)]
pytestmark = pytest.mark.filterwarnings("ignore:Possible:FutureWarning")  # of Python's own re


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.fixture(scope="module")
def starter(starter_model: Path) -> Maker:
    return Maker(tokenizer=Tokenizer.from_file(str(starter_model / "tokenizer.json")))


def walk(maker: Maker, schema: Json, seeds: range, limit: int) -> int:
    """How many walks ended; all of those fit the schema."""
    drawn = [maker.draw(shape(schema), seed, limit) for seed in seeds]
    ended = [answer for answer in drawn if answer is not None]
    for answer in ended:
        check_fits(schema, answer)
    return len(ended)


def test_what_is_drawn_from_masks_fits_its_schema(maker: Maker) -> None:
    """Some schemas of all, with tokens of one byte."""
    chosen = [*WALKED.items(), *random.Random(1).sample(SCHEMAS, 20)]
    ended = {name: walk(maker, schema, range(3), 400) for name, schema in chosen}
    assert sum(ended.values()) > 2 * len(ended)


@pytest.mark.model
@pytest.mark.parametrize("name", ["city", "ranges", "further members"])
def test_what_is_drawn_from_the_tokens_of_the_starter_model_fits(starter: Maker, name: str) -> None:
    assert walk(starter, WALKED[name], range(3), 150)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_sixty_walks_through_each_schema_fit_it(maker: Maker) -> None:
    ended = {name: walk(maker, schema, range(60), 400) for name, schema in SCHEMAS}
    assert all(ended.values()), [name for name, count in ended.items() if not count]


@pytest.mark.long
@pytest.mark.model
@pytest.mark.timeout(1800)
def test_walks_by_the_tokens_of_the_starter_model_fit_each_schema(starter: Maker) -> None:
    ended = {name: walk(starter, schema, range(20), 150) for name, schema in SCHEMAS}
    assert sum(ended.values()) > 5 * len(ended)
