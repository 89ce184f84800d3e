"""Every vendor we connect: one folder each, found by being there.

A new vendor is a new folder and nothing else.
"""

import importlib
import pkgutil
from functools import cache

from platforms.base import Platform, PlatformSettings


@cache
def all_platforms() -> dict[str, Platform]:
    """Name → declaration, for each folder beside this file that has one."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg)
    found = (importlib.import_module(f"platforms.{name}").PLATFORM for name in names)
    return {platform.name: platform for platform in found}


def configured() -> dict[str, tuple[Platform, PlatformSettings]]:
    """Every platform with its settings from the environment, also those that are not set up."""
    return {name: (platform, platform.settings()) for name, platform in all_platforms().items()}
