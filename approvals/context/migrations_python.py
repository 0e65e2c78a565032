"""What migrations of Django and Alembic would drop or lock, told from their syntax tree.

Nothing is run. What is only named, taken from elsewhere or put together at run time is unclear.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from approvals.context.migrations_sql import Findings, cut, read_sql

_DROPS = frozenset(
    {"RemoveField", "DeleteModel", "RemoveIndex", "RemoveIndexConcurrently", "RemoveConstraint",
     "drop_table", "drop_column", "drop_constraint", "drop_index", "drop_all"}
)  # fmt: skip
# With the place of the argument that names the table.
_LOCKS = {
    "AlterField": 0, "AddField": 0, "AddIndex": 0, "AddConstraint": 0, "AlterConstraint": 0,
    "AlterUniqueTogether": 0, "AlterIndexTogether": 0, "AlterOrderWithRespectTo": 0,
    "alter_column": 0, "create_index": 1, "create_foreign_key": 1, "create_check_constraint": 1,
    "create_unique_constraint": 1, "create_exclude_constraint": 1, "create_primary_key": 1,
}  # fmt: skip
_LIGHT = frozenset(
    {"CreateModel", "RenameModel", "RenameField", "RenameIndex", "AlterModelTable",
     "AlterModelTableComment", "AlterModelOptions", "AlterModelManagers", "AddIndexConcurrently",
     "AddConstraintNotValid", "ValidateConstraint", "RunSQL", "RunPython",
     "SeparateDatabaseAndState", "CreateCollation", "CreateExtension", "BloomExtension",
     "BtreeGinExtension", "BtreeGistExtension", "CITextExtension", "CryptoExtension",
     "HStoreExtension", "TrigramExtension", "UnaccentExtension"}
)  # fmt: skip
_TABLE = ("model_name", "table_name", "source_table", "name")
_RUN_SQL = frozenset({"RunSQL", "execute", "executescript", "executemany"})
_NEVER_RUN = frozenset({"reverse_sql", "reverse_code", "state_operations"})
_SECOND_NEVER_RUN = frozenset({"RunSQL", "RunPython", "SeparateDatabaseAndState"})
_HIDES = frozenset({"exec", "eval", "compile", "getattr", "globals", "__import__", "import_module"})
_GOING_BACK = "downgrade"
_OTHER_ENCODING = re.compile(
    r"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*(?!utf-?8\b)", re.IGNORECASE
)
_LINES = re.compile("\r\n|\r|\n")


def read_python(text: str) -> Findings:
    """What the migration drops and locks. Python that cannot be parsed is unclear."""
    if _OTHER_ENCODING.match(text):
        return Findings(unclear=["Python in another encoding than UTF-8"])
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Findings(unclear=["Python that cannot be parsed"])
    return _Module(tree, _LINES.split(text)).read()


@dataclass
class _Module:
    """One file while it is read; `made` are tables it makes, which are empty."""

    tree: ast.Module
    lines: list[str]
    found: Findings = field(default_factory=Findings)
    made: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)  # ids of nodes that say nothing more

    def __post_init__(self) -> None:
        nodes = list(ast.walk(self.tree))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        stored = Counter(name.id for name in names if isinstance(name.ctx, ast.Store))
        self.texts = {
            node.targets[0].id: node.value.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            and stored[node.targets[0].id] == 1
        }
        self.aliases = {
            alias.asname: alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.asname
        }
        self.foreign = {
            (alias.asname or alias.name).partition(".")[0]
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if not _is_of_django(node, alias)
        }
        self.functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        # Alembic runs it only to go back, unless this file names it itself.
        self.skips_back = "upgrade" in self.functions and _GOING_BACK not in {n.id for n in names}

    def read(self) -> Findings:
        for node in self._run():
            if id(node) in self.seen:
                continue
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.ClassDef) and node.name == "Migration":
                self._operations(node)
            elif isinstance(node, ast.Name | ast.Attribute):
                name = self._name(node)
                if name in _DROPS or name in _LOCKS or name in _RUN_SQL:
                    self._unclear(node, f"{name} by another name")
        return self.found

    def _run(self) -> Iterator[ast.AST]:
        """Every node that may be run, in the order of the text."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(list(self._children(node)))

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.FunctionDef) and node.name == _GOING_BACK and self.skips_back:
            body = {id(statement) for statement in node.body}
            return (child for child in ast.iter_child_nodes(node) if id(child) not in body)
        if isinstance(node, ast.Call):
            self.seen.add(id(node.func))
            later: list[ast.AST] = [word for word in node.keywords if word.arg in _NEVER_RUN]
            if self._name(node.func) in _SECOND_NEVER_RUN:
                later += node.args[1:]
            self.seen.update(id(inner) for part in later for inner in self._made_only(part))
        elif isinstance(node, ast.Attribute) and node.attr == "noop":
            self.seen.add(id(node.value))  # RunSQL.noop
        return ast.iter_child_nodes(node)

    def _made_only(self, part: ast.AST) -> Iterator[ast.AST]:
        """Operations that are made there, for going back or for the state, but never run."""
        for node in ast.walk(part):
            if isinstance(node, ast.Call) and self._name(node.func)[:1].isupper():
                yield node

    def _call(self, call: ast.Call) -> None:
        name = self._name(call.func)
        if name in _DROPS:
            self.found.add(Findings(drops=[self._head(call)]))
        elif name in {"CreateModel", "create_table"}:
            self.made.add(self._table(call, 0) or "")
        elif name in _LOCKS:
            if self._table(call, _LOCKS[name]) not in self.made and _locks(name, call):
                self.found.add(Findings(locks=[self._head(call)]))
        elif name == "RunPython":
            if not self._in_sight(call):
                self._unclear(call, "code from elsewhere")
        elif name in _RUN_SQL:
            self._sql(call)
        elif name == "delete" and _all_of_it(call.func):
            self.found.add(Findings(drops=[self._head(call)]))
        elif name in _HIDES:
            self._unclear(call, "what it runs is decided at run time")

    def _operations(self, migration: ast.ClassDef) -> None:
        """Operations that are no known calls, in plain sight, are unclear."""
        for node in migration.body:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == "operations" for t in targets):
                    self._list(node.value, whole=not isinstance(node, ast.AugAssign))
            elif not isinstance(node, ast.Expr | ast.Pass):
                self._unclear(node, "more than operations")

    def _list(self, value: ast.expr | None, *, whole: bool) -> None:
        if value is None or not isinstance(value, ast.List) or not whole:
            self._unclear(value or self.tree, "operations that are no plain list")
            return
        for one in value.elts:
            name = self._name(one.func) if isinstance(one, ast.Call) else ""
            if _root(one) in self.foreign:
                self._unclear(one, "an operation from elsewhere")
            elif name not in _DROPS and name not in _LOCKS and name not in _LIGHT:
                self._unclear(one, "an operation that is not known")

    def _sql(self, call: ast.Call) -> None:
        argument = call.args[0] if call.args else _keyword(call, "sql")
        texts = self._texts(argument)
        if texts is None:
            self._unclear(call, "SQL made at run time")
            return
        for text in texts:
            self.found.add(read_sql(text))

    def _texts(self, node: ast.expr | None) -> list[str] | None:
        """The SQL an argument is; None where only running it would tell."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Name(id=name) if name in self.texts:
                return [self.texts[name]]
            case ast.Attribute(attr="noop"):
                return []
            case ast.Call(func=function, args=[first, *_]) if self._name(function) == "text":
                return self._texts(first)
            case ast.Tuple(elts=[first, _]):  # with its parameters
                return self._texts(first)
            case ast.List(elts=items):
                found = [self._texts(item) for item in items]
                return None if None in found else [t for texts in found if texts for t in texts]
        return None

    def _in_sight(self, call: ast.Call) -> bool:
        """Whether what RunPython runs is in this file, and so is read."""
        code = call.args[0] if call.args else _keyword(call, "code")
        if isinstance(code, ast.Name):
            return code.id in self.functions
        return isinstance(code, ast.Lambda) or (
            isinstance(code, ast.Attribute) and code.attr == "noop"
        )

    def _table(self, call: ast.Call, place: int) -> str | None:
        """The table it is about, where it is named in plain sight."""
        named = [_keyword(call, name) for name in _TABLE]
        chosen = next((node for node in named if node is not None), None)
        if len(call.args) > place:
            chosen = call.args[place]
        if isinstance(chosen, ast.Constant) and isinstance(chosen.value, str):
            return chosen.value.lower()
        return None

    def _name(self, node: ast.expr) -> str:
        """The last part of what is called, under the name it has at home."""
        if isinstance(node, ast.Attribute):
            return node.attr
        name = node.id if isinstance(node, ast.Name) else ""
        return self.aliases.get(name, name)

    def _unclear(self, node: ast.AST, why: str) -> None:
        self.found.add(Findings(unclear=[f"{why}: {self._head(node)}"]))

    def _head(self, node: ast.AST) -> str:
        first = getattr(node, "lineno", 1) - 1
        last = min(getattr(node, "end_lineno", 1), first + 8)
        lines = " ".join(self.lines[first:last])
        return cut(lines, 0, len(lines))


def _locks(name: str, call: ast.Call) -> bool:
    if name == "AddField":
        return _is_heavy(_keyword(call, "field") or (call.args[2] if call.args[2:] else None))
    if name == "alter_column":
        return _keyword(call, "type_") is not None or _says(call, "nullable", False)
    return not (
        _says(call, "postgresql_concurrently", True) or _says(call, "postgresql_not_valid", True)
    )


def _is_heavy(field_: ast.expr | None) -> bool:
    """Whether adding this Django field reads or writes the rows, or needs an index."""
    if not isinstance(field_, ast.Call):
        return True
    function = field_.func
    kind = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if kind in {"ForeignKey", "OneToOneField"}:
        return not (_says(field_, "db_constraint", False) and _says(field_, "db_index", False))
    marks = any(_says(field_, name, True) for name in ("unique", "db_index", "primary_key"))
    return kind == "GeneratedField" or marks


def _is_of_django(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    if isinstance(node, ast.Import):
        return alias.name.startswith("django.")
    return not node.level and (node.module or "").startswith("django.")


def _root(node: ast.expr) -> str:
    """The first name in what is called, such as `migrations`."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _all_of_it(function: ast.expr) -> bool:
    """Whether `.delete()` is called on `.all()`."""
    match function:
        case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="all"))):
            return True
    return False


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _says(call: ast.Call, name: str, value: bool) -> bool:
    found = _keyword(call, name)
    return isinstance(found, ast.Constant) and found.value is value
