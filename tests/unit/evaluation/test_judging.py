"""What judges make of answers, and of what is meant to hurt them."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from chat.evaluation.errors import BadCheck, CheckTooCostly
from chat.evaluation.models import Check, CheckKind
from judging.judge import ProcessJudge
from judging.maths import of_result
from judging.schemas import of_schema
from judging.unreadable import Unreadable

SOLUTIONS = "{2, 3}"
EXTREMA = "{(0, 2), (2, -2)}"
SCHEMA = """{"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}"""


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (SOLUTIONS, r"So the solutions are \(x = 2\) and \(x = 3\)."),
        (SOLUTIONS, "x = 3 or x = 2"),
        (SOLUTIONS, r"\[ \boxed{2} \text{ and } \boxed{3} \]"),
        (SOLUTIONS, r"\[ \boxed{x_1 = 2, \quad x_2 = 3} \]"),
        (SOLUTIONS, "**答案** x₁ = 2，x₂ = 3"),
        (SOLUTIONS, "x₁=2、x₂=3"),
        (SOLUTIONS, "因此：\n\\[\nx = 2 \\quad \\text{或} \\quad x = 3\n\\]"),
        (SOLUTIONS, "The roots:\n\n- x = 3\n- x = 2"),
        (SOLUTIONS, r"The solutions of \(x^2 - 5x + 6 = 0\) are \(x = 2\) and \(x = 3\)."),
        (SOLUTIONS, "**答案**：\n\nx = 2 或 x = 3\n\n希望有帮助！"),
        ("x = 2 or x = 3", "方程的解是 2 和 3。"),
        ("{1, -1}", r"$x = \pm 1$"),
        ("142", "The number is **142**."),
        ("142", "最小的三位数是142，它除以9余7，除以5余2。"),
        ("142", "Answer: 142. Check: 142 = 9 * 15 + 7"),
        ("1234", "It is 1,234."),
        (EXTREMA, r"极大值 $f(0)=2$，极小值 $f(2)=-2$"),
        (EXTREMA, "**Answer:** a maximum at (0, 2), a minimum at (2, −2)"),
        (EXTREMA, r"\boxed{(2, -2), (0, 2)}"),
        ("[1, 2)", r"the interval is \([1,2)\)"),
        ("(-oo, 2) ∪ (3, oo)", r"\((-\infty,2)\cup(3,\infty)\)"),
        ("x^2+2x+1", "$(x+1)^2$"),
        ("y = 2x + 1", "The line is y = 1 + 2x."),
        ("1/2", r"$\frac12$"),
        ("0.5", "It is 1/2."),
        ("sqrt(2)", "√2"),
        ("2π", r"\(2\pi\)"),
        ("x > 3", "$x>3$"),
    ],
)
def test_an_equivalent_result_is_recognised(expected: str, answer: str) -> None:
    assert of_result(expected)(answer)


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (SOLUTIONS, "x = 2 or x = 4"),
        (SOLUTIONS, "x = 2"),
        (SOLUTIONS, "x = 2, x = 3, x = 4"),
        (SOLUTIONS, r"First I thought x = 2 or x = 3. \boxed{x = 1}"),
        (EXTREMA, r"\boxed{(0, 2), (2, 2)}"),
        ("142", "The number is 124."),
        ("142", "I do not know."),
        ("142", ""),
        ("y = 2x + 1", "The line is y = 2x − 1."),
        ("[1, 2)", r"\([1,2]\)"),
    ],
)
def test_a_different_result_is_rejected(expected: str, answer: str) -> None:
    assert not of_result(expected)(answer)


@pytest.mark.parametrize("expected", ["", "no idea", "\\frac{", "__import__('os').getcwd()"])
def test_invalid_mathematics_cannot_be_expected(expected: str) -> None:
    with pytest.raises(Unreadable):
        of_result(expected)


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ('{"age": 34}', True),
        ('Here:\n```json\n{"age": 34}\n```\nDone.', True),
        ('```\n{"age": "x"}\n```\nno,\n```json\n{"age": 1}\n```', True),
        ('```json\n{"age": "old"}\n```', False),
        ('The age: {"age": 34}', False),
        ('{"age": NaN}', False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_json_is_read_from_the_last_fence_and_validated(answer: str, fits: bool) -> None:
    assert of_schema(SCHEMA)(answer) is fits


@pytest.mark.parametrize("expected", ["{", "[]", '{"type": "objekt"}', "[" * 100_000, "NaN"])
def test_an_invalid_schema_cannot_be_expected(expected: str) -> None:
    with pytest.raises(Unreadable):
        of_schema(expected)


def test_a_schema_fetches_nothing() -> None:
    with pytest.raises(Unreadable, match=r"127\.0\.0\.1"):
        of_schema('{"$ref": "http://127.0.0.1:9/schema.json"}')("{}")


async def test_each_kind_is_judged_in_a_separate_process() -> None:
    judge = ProcessJudge(timeout_s=60)
    assert await judge.holds(Check(CheckKind.REGEX, "^b.d$"), "a\nbad\nc")
    assert not await judge.holds(Check(CheckKind.REGEX, "^bd$"), "bad")
    assert await judge.holds(Check(CheckKind.JSON_SCHEMA, SCHEMA), '{"age": 1}')
    assert await judge.holds(Check(CheckKind.MATHS, SOLUTIONS), "x = 2 或 x = 3")
    await judge.read(Check(CheckKind.MATHS, SOLUTIONS))
    with pytest.raises(BadCheck) as refused:
        await judge.read(Check(CheckKind.REGEX, "("))
    assert "unterminated" in str(refused.value.values["why"])


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (Check(CheckKind.REGEX, "(a+)+$"), "a" * 40 + "b"),
        (Check(CheckKind.JSON_SCHEMA, '{"pattern": "(a+)+$"}'), '"' + "a" * 40 + 'b"'),
    ],
    ids=str,
)
async def test_an_endless_check_is_terminated(check: Check, answer: str) -> None:
    others = asyncio.create_task(asyncio.sleep(0.1))
    with pytest.raises(CheckTooCostly):
        await ProcessJudge(timeout_s=1).holds(check, answer)
    assert others.done()


async def test_an_infinite_result_is_never_right_and_does_not_block() -> None:
    # It runs out of memory or of time, whichever is first on this machine.
    others = asyncio.create_task(asyncio.sleep(0.1))
    right = False
    with suppress(CheckTooCostly):
        right = await ProcessJudge(timeout_s=1).holds(Check(CheckKind.MATHS, "2"), "9**9**9**9")
    assert not right
    assert others.done()


def test_a_judging_process_has_a_memory_limit_and_writes_no_file(tmp_path: Path) -> None:
    for attempt in (
        "bytearray(2 * MEMORY_BYTES)",
        f"Path({str(tmp_path / 'x')!r}).write_text('x')",
    ):
        tried = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from pathlib import Path; from judging.child import *; limit(); {attempt}",
            ],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert tried.returncode != 0
    assert not (tmp_path / "x").exists() or not (tmp_path / "x").read_text()


@pytest.mark.parametrize("hostile", ["__import__('os').system('touch {}')", "exec('open({},w)')"])
async def test_code_in_an_answer_is_not_executed(hostile: str, tmp_path: Path) -> None:
    sign = tmp_path / "run"
    answer = hostile.format(sign)
    holds = await ProcessJudge(timeout_s=60).holds(Check(CheckKind.MATHS, "2"), f"${answer}$")
    assert not holds
    assert not sign.exists()


async def test_a_cancelled_judgement_leaves_no_process() -> None:
    judge = ProcessJudge(timeout_s=60)
    before = set(psutil.Process().children())
    bomb = asyncio.create_task(judge.holds(Check(CheckKind.REGEX, "(a+)+$"), "a" * 40 + "b"))
    async with asyncio.timeout(30):
        while not set(psutil.Process().children()) - before:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
    bomb.cancel()
    with pytest.raises(asyncio.CancelledError):
        await bomb
    assert set(psutil.Process().children()) == before
