"""Chance without a memory: the same words always throw the same number."""

from hashlib import sha256


def chance(*words: object) -> float:
    """
    Return a number from 0 up to 1 that follows from *words* alone. Whoever dies and comes back
    decides as before.
    """
    text = "/".join(map(str, words))
    return int.from_bytes(sha256(text.encode()).digest()[:7]) / 2**56
