"""Compares mathematical results with sympy.

Formulas are parsed by a LaTeX grammar and never evaluated as code.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from latex2sympy2_extended import NormalizationConfig, latex2sympy, normalize_latex
from math_verify import verify
from sympy import And, Basic, Eq, FiniteSet, Interval, Or, Symbol, Tuple
from sympy.core.function import AppliedUndef

from judging.statements import plain, result_of, statements_of
from judging.unreadable import Unreadable

SPELLINGS = NormalizationConfig(malformed_operators=True, nits=True, boxed="none")
r"""Accepts malformed LaTeX such as \frac12 and \sqrt 2."""


@dataclass(frozen=True, slots=True)
class Value:
    """A stated value. `assigned`: it is the value of something, as in x = 2 or f(0) = 2."""

    value: Basic
    assigned: bool = False


def of_result(expected: str) -> Callable[[str], bool]:
    """A check whether an answer's result equals `expected`. Raises Unreadable.

    A set must be stated completely, in any order and form: {2, 3}, or x = 2 or x = 3. For other
    results the first or the last part of the answer's statement must be equal.
    """
    expected_results = _all(statements_of(plain(expected)))
    if not expected_results:
        raise Unreadable("this is no number, set, interval, point or formula")
    is_set = len(expected_results) > 1 or isinstance(expected_results[0], FiniteSet)
    members = [value.value for read in expected_results for value in _values(read)]

    def holds(answer: str) -> bool:
        stated = _all(result_of(answer))
        if is_set:
            return _states_all(members, stated)
        return any(_is_same(expected_results[0], end) for end in _ends(stated))

    return holds


def _all(pieces: Sequence[str]) -> Sequence[Basic]:
    return [read for piece in pieces if (read := _read(piece)) is not None]


def _read(piece: str) -> Basic | None:
    try:
        read = latex2sympy(normalize_latex(piece, SPELLINGS))
    except Exception:  # noqa: BLE001 - latex2sympy raises Exception for invalid formulas
        return None
    return read if isinstance(read, Basic) else None


def _values(read: Basic) -> Iterator[Value]:
    """The values in a statement: members of sets, and right sides of equations."""
    match read:
        case FiniteSet() | Or():
            for member in read.args:
                yield from _values(member)
        case And():  # a = b = c
            yield from _values(read.args[-1])
        case Eq():
            yield from _right_side(*read.args)
        case _:
            yield Value(read)


def _right_side(left: Basic, right: Basic) -> Iterator[Value]:
    match left:
        case AppliedUndef() if len(left.args) == 1:
            yield Value(Tuple(left.args[0], right), assigned=True)
            yield Value(right)
        case Symbol():
            yield from (Value(inner.value, assigned=True) for inner in _values(right))
        case _ if not left.free_symbols:
            yield from _values(right)


def _states_all(expected_results: Sequence[Basic], stated: Sequence[Basic]) -> bool:
    values = [value for read in stated for value in _values(read)]
    assigned = [value for value in values if value.assigned]
    return any(
        _are_same(expected_results, [value.value for value in some])
        for some in (values, assigned)
        if some
    )


def _ends(stated: Sequence[Basic]) -> Iterator[Basic]:
    """The last and the first statement, each followed by its values."""
    for read in (stated[-1], stated[0]) if stated else ():
        yield read
        yield from (value.value for value in _values(read))


def _are_same(expected_results: Sequence[Basic], stated: Sequence[Basic]) -> bool:
    return all(any(_is_same(one, other) for other in stated) for one in expected_results) and all(
        any(_is_same(one, other) for one in expected_results) for other in stated
    )


def _is_same(expected_results: Basic, stated: Basic) -> bool:
    one, other = _as_point(expected_results), _as_point(stated)
    if isinstance(one, Tuple) and isinstance(other, Tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    # math_verify's time limit uses signals; this process is limited by its parent.
    return bool(verify(expected_results, stated, timeout_seconds=None))


def _as_point(read: Basic) -> Basic:
    """An open interval as a point: latex2sympy reads (a, b) as an interval only if a < b."""
    if isinstance(read, Interval) and read.left_open and read.right_open:
        return Tuple(read.start, read.end)
    return read
