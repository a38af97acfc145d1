"""Features of the application: every module here that has `register(app, settings)`.

A feature is added by adding a file. It may add routes, middleware, exception handlers,
panels of the page (`app.state.panels`), hosts that the page may load files from
(`app.state.content_sources`), checks of what it depends on (`app.state.checks`) and work to do
when the server stops (`app.state.on_stop`).
"""

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType


def scan() -> Sequence[ModuleType]:
    """Import every feature, in the order of their names, the same on every server."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]
