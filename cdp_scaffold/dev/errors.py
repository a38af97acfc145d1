"""What `cdp-dev` refuses, and why."""

from __future__ import annotations

from cdp_scaffold.errors import ScaffoldError


class RefusedError(ScaffoldError):
    """What was asked for cannot be done; nothing was written."""

    exit_code = 2
