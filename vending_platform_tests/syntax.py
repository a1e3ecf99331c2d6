"""The package's code, as trees."""

import ast
import gc
from pathlib import Path


def syntax_tree(path: Path) -> ast.Module:
    """Without the collector: Python 3.11 loses count of its depth where that runs code in the middle of parsing, and
    refuses the file with a SystemError."""
    code = path.read_text(encoding="utf-8")
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(code)
    finally:
        if is_enabled:
            gc.enable()
