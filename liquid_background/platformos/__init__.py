"""The dialect `platformos`: forms of platformOS that standard Liquid does not have; see docs/porting.md."""

from liquid_background.platformos.dialect import PLATFORMOS

__all__ = ["PLATFORMOS"]
