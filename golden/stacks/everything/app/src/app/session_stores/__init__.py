"""Where sessions lie: one module here, with `open_store()`.

Another store is another module in place of this one. It implements `SessionStore` and passes
the tests in `tests/session_store_contract.py`.
"""

import importlib
import pkgutil

from app.sessions import SessionStore


def open_store() -> SessionStore:
    """Open the store whose module is here; it reads its own settings.

    Raises:
        RuntimeError: There is none, or more than one, so it is not clear where sessions lie.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if len(names) != 1:
        raise RuntimeError(f"`session_stores` must hold exactly one store; got {names}")
    store: SessionStore = importlib.import_module(f"{__name__}.{names[0]}").open_store()
    return store
