"""Sentences as vectors, without a vocabulary and without anything learned: hashed words and pieces of words.

A word that was never seen shares pieces with those that were ("closed" with "close"), so that other phrasings than those of training can be
read (Bojanowski et al. 2017, who learn a vector for each piece; here its place and sign are a hash of it, Weinberger et al. 2009).
What it cannot know is that different words may mean the same.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

SENTENCE_SIZE = 256
PIECE_LENGTHS = (3, 4, 5)  # letters, with a mark at either end of the word


def sentence_features(sentence: str) -> Float[np.ndarray, " features"]:
    """A sentence as a vector (256,) of length 1, the same on every machine; zeros of one without words.

    Capitals and punctuation do not matter, nor does the order of words.
    """
    features = np.zeros(SENTENCE_SIZE, np.float32)
    for piece in _pieces(sentence):
        number = zlib.crc32(piece.encode())
        features[number % SENTENCE_SIZE] += 1.0 if number & 1 << 31 else -1.0
    return features / max(float(np.linalg.norm(features)), 1e-6)


def _pieces(sentence: str) -> Iterator[str]:
    """Each word as a whole, and its pieces: longer words, which say more, have more of them."""
    for word in re.findall(r"\w+", sentence.lower()):
        marked = f"<{word}>"
        yield word
        for length in PIECE_LENGTHS:
            for start in range(len(marked) - length + 1):
                yield marked[start : start + length]
