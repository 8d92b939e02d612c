"""Every template that a report can say, found in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bench

SAID = {"say": (0,), "count": (1, 2), "template": (0,)}  # function -> places of its literal templates
HOUSE = Path(next(iter(bench.__path__)))


def templates() -> dict[str, str]:
    """Return template -> file and line of every literal that is said or marked to be said later."""
    found: dict[str, str] = {}
    for path in sorted(HOUSE.rglob("*.py")):
        for line, text in _literals(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(text, f"{path.relative_to(HOUSE)}:{line}")
    for path in sorted(HOUSE.rglob("*.j2")):
        from jinja2 import Environment
        from jinja2.nodes import Call, Const, Name

        for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(Call):
            if isinstance(call.node, Name) and call.node.name == "say":
                assert isinstance(call.args[0], Const), (path, call.lineno)
                found.setdefault(call.args[0].value, f"{path.relative_to(HOUSE)}:{call.lineno}")
    return found


def _literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SAID:
            for place in SAID[call.func.id]:
                if place < len(call.args):
                    literal = call.args[place]
                    if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                        yield call.lineno, literal.value


def unsayable() -> list[str]:
    """Return where ``say`` or ``count`` is given an f-string, which no catalogue can hold."""
    return [
        f"{path.relative_to(HOUSE)}:{call.lineno}"
        for path in sorted((HOUSE / "report").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SAID
        for place in SAID[call.func.id]
        if place < len(call.args) and isinstance(call.args[place], (ast.JoinedStr, ast.BinOp))
    ]
