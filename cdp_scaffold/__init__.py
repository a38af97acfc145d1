"""Turn a wish for AWS Cloud Design Patterns into a complete repository."""

__version__ = "0.1.0"
