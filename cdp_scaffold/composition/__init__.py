"""The composition proof: for every valid wish, whatever is referred to is defined, and once.

    facts        what a text defines and refers to
    terraform, python, mentions   find it in one kind of text each
    files        which of them reads which file
    pieces       every text of the template under the wishes that give it
    proof        holds references against definitions; a breach has a smallest wish

docs/proof.md tells what follows from it and what does not.
"""
