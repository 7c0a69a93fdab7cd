import pickle

import numpy as np

from viodat.dataset.cache import ByteCache


def _load(log, key):
    def load():
        log.append(key)
        return np.zeros(1000, np.uint8)

    return load


def test_what_was_asked_for_longest_ago_goes_first():
    cache, log = ByteCache(2500), []
    for key in "abacab":
        cache.get(key, _load(log, key))
    # a b | a from memory | c drives b out | a from memory | b again.
    assert log == ["a", "b", "c", "b"]
    assert cache.nbytes == 2000


def test_a_value_larger_than_the_cache_is_given_but_not_kept():
    cache, log = ByteCache(10), []
    for _ in range(2):
        assert len(cache.get("a", _load(log, "a"))) == 1000
    assert log == ["a", "a"]
    assert cache.nbytes == 0


def test_a_pickled_cache_is_empty():
    cache = ByteCache(5000)
    cache.get("a", lambda: np.zeros(1000, np.uint8))
    again = pickle.loads(pickle.dumps(cache))
    assert (again.limit_bytes, again.nbytes) == (5000, 0)
    assert len(pickle.dumps(cache)) < 200
