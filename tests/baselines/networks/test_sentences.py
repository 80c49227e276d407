"""Sentences as vectors: the same everywhere, and near where words are alike."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")
from metaworld_baselines.networks.sentences import SENTENCE_SIZE, sentence_features

# Slot and sign of dial, <di, dia, ial, al>, <dia, dial again, ial>, <dial and dial>, by CRC-32.
PIECES_OF_DIAL = {5: 1.0, 14: 1.0, 40: 1.0, 114: 1.0, 130: -1.0, 185: 1.0, 206: -1.0, 217: -1.0, 244: -1.0}


def test_features_have_length_one_and_no_words_have_none():
    features = sentence_features("Push the puck to a goal on the table.")
    assert features.shape == (SENTENCE_SIZE,) and features.dtype == np.float32 and np.isclose(np.linalg.norm(features), 1.0)
    assert not sentence_features("").any() and not sentence_features(" … ?").any()


def test_capitals_punctuation_and_order_do_not_matter_and_words_do():
    features = sentence_features("Open the drawer.")
    assert np.array_equal(sentence_features("  open: THE drawer"), features)
    assert np.allclose(sentence_features("The drawer open"), features)
    assert not np.allclose(sentence_features("Close the drawer."), features)


def test_features_are_those_of_every_other_process():
    """Trained agents live by them; Python's own hash of a text differs from process to process."""
    code = "from metaworld_baselines.networks.sentences import sentence_features as f; print(f('Turn the dial.').tobytes().hex())"
    here = sentence_features("Turn the dial.").tobytes().hex()
    path = ":".join(filter(None, sys.path))
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path})
    assert found.stdout.strip() == here
    features = sentence_features("dial")
    assert {int(at): float(np.sign(features[at])) for at in np.flatnonzero(features)} == PIECES_OF_DIAL


@pytest.mark.parametrize(
    ("sentence", "near", "far"),
    [
        ("Slide the window closed.", "Close the window.", "Open the window."),
        ("Insert the pegs.", "Insert the peg.", "Open the door."),
        ("Make sure that the drawer is closed.", "Close the drawer.", "Press the button."),
    ],
)
def test_forms_of_a_word_are_near_one_another(sentence, near, far):
    features, *others = map(sentence_features, (sentence, near, far))
    assert features @ others[0] > features @ others[1] + 0.1
