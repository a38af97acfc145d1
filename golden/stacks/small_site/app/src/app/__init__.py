"""The web application: a small core, and features that register themselves with it."""

__version__ = "0.1.0"
