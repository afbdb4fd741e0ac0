"""Counter-based random numbers, computed from seed, purpose, step and position alone.

A generator with a hidden state gives numbers that depend on who asked first. Here every number is computed from where
it is used: the user's seed, a readable purpose (``"dropout hidden 1"``), the step, and the position in the array. So
the numbers are the same whatever executor, thread count or tiling computes them, an interrupted run goes on with the
numbers it would have had, and any one of them can be computed again on its own.

The cipher is Threefry2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011). How a draw is laid out, which every executor has to follow:

- The key of a draw is ``threefry2x32(key=(seed low word, seed high word), counter=(purpose word, step))``.
- Position ``p`` belongs to block ``p // 32``, lane ``p % 16`` and half ``p // 16 % 2``. The cipher turns the 64-bit
  counter ``block * 16 + lane`` (low word, high word) into two words, and the half says which of them is the position's.

One block is thus 16 consecutive counters, as many as a 512-bit vector holds, and the two vectors that come out are
stored one after the other as 32 contiguous words; words of a pair side by side would need a shuffle. The block's size
is fixed, so a position's word does not depend on how many words are drawn.
"""

from pellucid.random.distributions import normal_from_words, uniform_from_words
from pellucid.random.draws import Seed, bernoulli, normal, permutation, uniform
from pellucid.random.threefry import LANES, check_seed, draw_key, purpose_word, threefry2x32, words, words_of_seeds

__all__ = [
    "LANES",
    "Seed",
    "bernoulli",
    "check_seed",
    "draw_key",
    "normal",
    "normal_from_words",
    "permutation",
    "purpose_word",
    "threefry2x32",
    "uniform",
    "uniform_from_words",
    "words",
    "words_of_seeds",
]
