"""Conditions on the columns of an index, as text: price < 20 and source.startswith("photos/").

The text is a Python expression of names of columns, constants, comparisons, `in`, `is None`, `and`, `or`, `not`, and
`startswith`, `endswith` and `contains` of columns of text. It is parsed and translated, and never run. A name that is
none in Python stands in backticks: `unit price` < 3. A row whose value is missing fulfils no condition but `is None`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mt_core.errors import OptionError, did_you_mean

MAX_CHARACTERS = 2_000

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
}
_MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_OF_TEXT = {"startswith": pc.starts_with, "endswith": pc.ends_with, "contains": pc.match_substring}
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`([^`]+)`""")
_HOW = 'write it as in Python: price < 20 and source.startswith("photos/")'

Condition = Callable[[pa.RecordBatch], pa.Array]


class Where:
    """A condition on the rows of an index.

    Args:
        text: As the user wrote it.
        schema: The columns that there are.

    Attributes:
        columns: Those that the condition is on.

    Raises:
        OptionError: what is no condition, or names no column, or compares what cannot be compared.
    """

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self.text = text
        self.columns: list[str] = []
        self._schema = schema
        self._backticked: dict[str, str] = {}
        self._condition = self._condition_of(self._parse(text))

    def mask(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """(n,) which of the rows of a batch fulfil it."""
        found = pc.fill_null(self._condition(batch), False)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _parse(self, text: str) -> ast.expr:
        if len(text) > MAX_CHARACTERS:
            raise OptionError(f"a condition of {len(text):,} characters is too long", fix="make it shorter")

        def name(found: re.Match[str]) -> str:
            if found[1] is None:
                return found[0]  # a text, which may hold backticks
            stand_in = f"_column_{len(self._backticked)}_"
            self._backticked[stand_in] = found[1]
            return stand_in

        try:
            return ast.parse(_QUOTED.sub(name, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            fix = "equality is ==, not =; " if re.search(r"[^=<>!]=[^=]", text) else ""
            raise OptionError(f"{text!r} is no condition", fix=fix + _HOW) from None

    def _condition_of(self, node: ast.expr) -> Condition:
        match node:
            case ast.BoolOp():
                return self._joined(node)
            case ast.UnaryOp(op=ast.Not()):
                inner = self._condition_of(node.operand)
                return lambda batch: pc.invert(inner(batch))
            case ast.Compare():
                return self._compared(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=attribute)) if attribute in _OF_TEXT:
                return self._text_call(node, attribute)
            case ast.Name() if pa.types.is_boolean(self._type_of(node)):
                column = self._column(node)
                return lambda batch: batch.column(column)
        raise self._refused(node)

    def _joined(self, node: ast.BoolOp) -> Condition:
        parts = [self._condition_of(value) for value in node.values]
        join = pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene

        def condition(batch: pa.RecordBatch) -> pa.Array:
            found = parts[0](batch)
            for part in parts[1:]:
                found = join(found, part(batch))
            return found

        return condition

    def _compared(self, node: ast.Compare) -> Condition:
        """One comparison, or a chain of them: 10 < price < 20."""
        sides = [node.left, *node.comparators]
        parts = [self._comparison(left, op, right) for left, op, right in zip(sides, node.ops, sides[1:], strict=False)]

        def condition(batch: pa.RecordBatch) -> pa.Array:
            found = parts[0](batch)
            for part in parts[1:]:
                found = pc.and_kleene(found, part(batch))
            return found

        return condition

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
        if isinstance(op, ast.In | ast.NotIn):
            found = self._membership(left, right)
            return found if isinstance(op, ast.In) else lambda batch: pc.invert(found(batch))
        if isinstance(op, ast.Is | ast.IsNot):
            if not isinstance(left, ast.Name) or not isinstance(right, ast.Constant) or right.value is not None:
                raise self._refused(right)
            column, is_valid = self._column(left), isinstance(op, ast.IsNot)
            return lambda batch: (
                pc.is_valid(batch.column(column)) if is_valid else pc.is_null(batch.column(column), nan_is_null=True)
            )
        if not isinstance(left, ast.Name) and isinstance(right, ast.Name):
            left, right, op = right, left, _MIRRORED.get(type(op), type(op))()
        if not isinstance(left, ast.Name):
            raise self._refused(left)
        compare, column = _COMPARISONS[type(op)], self._column(left)
        if isinstance(right, ast.Name):
            other = self._column(right)
            self._check_comparable(compare, column, other)
            return lambda batch: compare(batch.column(column), batch.column(other))
        value = self._value(column, right)
        return lambda batch: compare(batch.column(column), value)

    def _membership(self, left: ast.expr, right: ast.expr) -> Condition:
        """column in ("a", "b"), or "part" in column."""
        if isinstance(left, ast.Name) and isinstance(right, ast.Tuple | ast.List | ast.Set):
            column = self._column(left)
            values = [self._value(column, each) for each in right.elts]
            kind = self._schema.field(column).type
            try:
                among = pa.array([value.as_py() for value in values], values[0].type if values else kind)
            except pa.ArrowException:
                raise self._refused(right) from None
            return lambda batch: pc.is_in(pc.cast(batch.column(column), among.type, safe=False), among)
        if isinstance(right, ast.Name) and isinstance(left, ast.Constant) and isinstance(left.value, str):
            column, part = self._text_column(right), left.value
            return lambda batch: pc.match_substring(batch.column(column), part)
        raise self._refused(right)

    def _text_call(self, node: ast.Call, attribute: str) -> Condition:
        assert isinstance(node.func, ast.Attribute)
        argument = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise self._refused(node)
        column, part, holds = self._text_column(node.func.value), argument.value, _OF_TEXT[attribute]
        return lambda batch: holds(batch.column(column), part)

    def _text_column(self, node: ast.expr) -> str:
        column = self._column(node)
        kind = self._schema.field(column).type
        if not pa.types.is_string(kind):
            raise OptionError(f"{column} is a column of {kind}, not of text", fix=f"compare it with numbers: {_HOW}")
        return column

    def _column(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Name):
            raise self._refused(node)
        name = self._backticked.get(node.id, node.id)
        if name not in self._schema.names:
            raise OptionError(
                f"no column is called {name}{did_you_mean(name, self._schema.names)}",
                fix=f"columns: {', '.join(self._schema.names)}; mt index --table adds those of a table",
            )
        if name not in self.columns:
            self.columns.append(name)
        return name

    def _type_of(self, node: ast.Name) -> pa.DataType:
        return self._schema.field(self._column(node)).type

    def _value(self, column: str, node: ast.expr) -> pa.Scalar:
        """A constant as what the column holds, or what can be compared with it."""
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise self._refused(node) from None
        if value is None:
            raise OptionError(f"{column} is compared with None", fix=f"write {column} is None")
        kind = self._schema.field(column).type
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            if is_number and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                return pa.scalar(value)
            if isinstance(value, str) and pa.types.is_temporal(kind):
                return pa.scalar(value).cast(pa.timestamp("ns")).cast(kind, safe=False)
            if isinstance(value, bool) == pa.types.is_boolean(kind) and not is_number:
                return pa.scalar(value, kind)
        except (pa.ArrowException, OverflowError, TypeError):
            pass
        quoted = f"; write {str(value)!r} if that is meant" if pa.types.is_string(kind) else ""
        raise OptionError(
            f"{column} is a column of {kind}, which cannot be compared with {value!r}{quoted}", fix=_HOW
        ) from None

    def _check_comparable(self, compare: Callable[[Any, Any], Any], one: str, other: str) -> None:
        try:
            compare(*(pa.array([], self._schema.field(name).type) for name in (one, other)))
        except pa.ArrowException:
            kinds = ", ".join(f"{name} is a column of {self._schema.field(name).type}" for name in (one, other))
            raise OptionError(f"{one} and {other} cannot be compared: {kinds}", fix=_HOW) from None

    def _refused(self, node: ast.expr) -> OptionError:
        said = ast.unparse(node)
        for stand_in, name in self._backticked.items():
            said = said.replace(stand_in, f"`{name}`")
        return OptionError(f"{self.text!r} is no condition: {said} cannot stand there", fix=_HOW)
