"""Prevents: cents that get lost because an amount was a float for a moment. 0.1 + 0.2 is not 0.3.

To do it right: `models.money.Money` holds integer minor units; `Money.from_decimal` reads what a vendor wrote,
`decimal_text` writes what a vendor wants, `share` takes a part. Where money is known nothing is made a float or
rounded, and nothing that is named like money is a float.
"""

import ast
from pathlib import Path

from tests.house import product

SUMS = {"amount", "minor", "amount_minor", "price", "worth", "balance", "total", "cents", "paid", "owed", "value"}
"""Names that hold money wherever they stand."""

EXCEPTIONS = {
    "models/money.py": "`from_decimal` takes the numbers of vendors' JSON, and reads them by their text, not as floats",
}


def floats(module: Path) -> list[str]:
    """Where a module that knows money makes a float, or rounds one."""
    known = {name for name, _ in product.imports(module)}
    if not known & {"models.money.Money", "models.money.Sum"}:
        return []
    return [
        f"{module}:{node.lineno} {node.func.id}()"
        for node in ast.walk(product.tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("float", "round")
    ]


def sums_as_floats(module: Path) -> list[str]:
    """Fields and parameters that are named like money and are floats. A vendor's double holds what the vendor's JSON
    holds, and that may be a number with a fraction."""
    if product.is_double(module):
        return []
    return [
        f"{module}:{node.lineno} {name} is a float"
        for node in ast.walk(product.tree(module))
        for name, annotation in _annotated(node)
        if name in SUMS and annotation is not None and "float" in ast.unparse(annotation)
    ]


def _annotated(node: ast.AST) -> list[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.arg):
        return [(node.arg, node.annotation)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [(node.target.id, node.annotation)]
    return []


def test_no_float_near_money() -> None:
    found = [place for module in product.modules() for place in floats(module) + sums_as_floats(module)]
    left = product.allowed(found, EXCEPTIONS)
    assert not left, "money in floats; use Money.from_decimal, decimal_text or share:\n" + "\n".join(left)


def test_the_rule_sees_a_float(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from models.money import Money\n\ndef f(amount: float) -> int:\n    return round(amount * 100)\n")
    assert [place.partition(":")[2] for place in floats(bad)] == ["4 round()"]
    assert [place.partition(":")[2] for place in sums_as_floats(bad)] == ["3 amount is a float"]
