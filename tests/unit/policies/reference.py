"""Conditions answered by an engine that shares no line with ours: the pure-Python `celpy`.

Where it departs from the CEL specification and its conformance tests, it is put right here, each
point by itself; with these, the two engines have to agree on everything.
"""

import logging
import math
import operator
import sys
from collections.abc import Mapping

import celpy
import lark
from celpy import celtypes
from celpy.evaluation import CELEvalError, Evaluator, Result

from policies.language.conditions import Truth
from policies.language.facts import Value

_TYPES = {
    bool: celtypes.BoolType,
    int: celtypes.IntType,
    float: celtypes.DoubleType,
    str: celtypes.StringType,
}


def reference_answer(text: str, values: Mapping[str, Value]) -> Truth:
    """The answer for these facts and names; those that are not in `values` are missing."""
    program = _ENVIRONMENT.program(_ENVIRONMENT.compile(text), _CORRECTED)
    try:
        result = program.evaluate({name: _typed(value) for name, value in values.items()})
    except CELEvalError:
        return Truth.UNKNOWN
    return Truth.TRUE if result else Truth.FALSE


def _typed(value: Value) -> celtypes.Value:
    if isinstance(value, tuple):
        return celtypes.ListType([celtypes.StringType(item) for item in value])
    return _TYPES[type(value)](value)


def _item(items: Result, index: Result) -> Result:
    """A negative index is an error; Python counts from the end."""
    if isinstance(items, list) and isinstance(index, int) and index < 0:
        raise IndexError("negative")
    return operator.getitem(items, index)


def _contains(text: Result, part: Result) -> Result:
    """Also of a text put together with `+`, which `celpy` forgets to be one of its texts."""
    return celtypes.BoolType(part in text)


def _divide(left: Result, right: Result) -> Result:
    """Doubles follow IEEE 754 (conformance: fp_math, divide_zero); `celpy` knows only +inf."""
    if not isinstance(left, float) or not isinstance(right, float) or right != 0.0:
        return operator.truediv(left, right)
    if left == 0.0 or math.isnan(left):
        return celtypes.DoubleType(math.nan)
    return celtypes.DoubleType(math.copysign(math.inf, left) * math.copysign(1.0, right))


def _modulo(left: Result, right: Result) -> Result:
    """The smallest number by -1 overflows, as its division does; the specification is silent."""
    if isinstance(left, int) and left == -(2**63) and right == -1:
        raise ValueError("overflow")
    return operator.mod(left, right)


def _int(value: Result) -> Result:
    """Both ends of the range are open for doubles (conformance: double_int_min_range)."""
    if isinstance(value, float) and not -(2.0**63) < value < 2.0**63:
        raise ValueError("range")
    return celtypes.IntType(value)


_CORRECTED = {"_[_]": _item, "contains": _contains, "_/_": _divide, "_%_": _modulo, "int": _int}


class _Evaluator(Evaluator):
    """An error inside exists_one is an error of that loop alone, so that || and && absorb it."""

    def sub_evaluator(self, ast: lark.Tree) -> "Evaluator":
        return _Evaluator(ast, activation=self.activation)

    def member_dot_arg(self, tree: lark.Tree) -> Result:
        try:
            return super().member_dot_arg(tree)
        except CELEvalError as error:
            return error


class _Runner(celpy.InterpretedRunner):
    def evaluate(self, context: celpy.Context) -> celtypes.Value:
        return _Evaluator(self.ast, self.new_activation()).evaluate(context)


def _environment() -> celpy.Environment:
    # It raises the recursion limit of the whole process.
    limit = sys.getrecursionlimit()
    made = celpy.Environment(runner_class=_Runner)
    sys.setrecursionlimit(limit)
    logging.getLogger("celpy").setLevel(logging.CRITICAL)
    return made


_ENVIRONMENT = _environment()
