"""Templates as Python functions: what is rendered often is compiled, and does in every way what its nodes do."""

from liquid_background.language.compiled.deciding import Compiled

__all__ = ["Compiled"]
