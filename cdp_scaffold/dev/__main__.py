"""`python -m cdp_scaffold.dev`, the same as `cdp-dev`."""

from cdp_scaffold.dev import main

main()
