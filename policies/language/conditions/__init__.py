"""Conditions: CEL behind its guards. Nothing outside this package touches the engine."""

from policies.language.conditions.condition import Answer, Compiler, Condition, Truth
from policies.language.conditions.errors import ConditionError, Mistake

__all__ = ["Answer", "Compiler", "Condition", "ConditionError", "Mistake", "Truth"]
