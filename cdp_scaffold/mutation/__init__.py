"""Break the template in many small ways, and see which check notices.

`python -m cdp_scaffold.mutation` does it. docs/mutation.md tells what is broken, what counts as
noticed, and what came of it.
"""
