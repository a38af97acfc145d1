"""What can go wrong, told to the person at the terminal."""

from __future__ import annotations


class LocalError(Exception):
    """The local stack cannot go on; the text says why and what to do."""
