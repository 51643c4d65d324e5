"""What an epoch sees: everything in turn, as often as asked, and the same when taken up again."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.training.sampling import RatedSampler, drawn, pass_rates


@given(
    size=st.integers(1, 30), count=st.integers(1, 70), epochs=st.integers(1, 6), seed=st.integers()
)
def test_all_are_seen_in_turn(size, count, epochs, seed):
    seen = Counter({i: 0 for i in range(size)})
    for epoch in range(epochs):
        found = drawn(size, count, epoch, seed)
        assert len(found) == count
        seen.update(found)
    assert set(seen) == set(range(size))
    assert max(seen.values()) - min(seen.values()) <= 1


def test_the_seed_and_the_epoch_decide():
    assert drawn(50, 20, 3, 7) == drawn(50, 20, 3, 7)
    assert drawn(50, 20, 3, 7) != drawn(50, 20, 3, 8)
    assert not set(drawn(50, 25, 0, 7)) & set(drawn(50, 25, 1, 7))


@pytest.mark.parametrize(("rate", "times"), [(0.5, 5), (1.0, 10), (2.5, 25)])
def test_each_rate_is_kept(rate, times):
    sampler = RatedSampler([rate] * 10 + [3.0] * 4, list(range(1, 15)), batch=4, seed=1)
    found = Counter(sampler)
    assert len(sampler) == sum(found.values()) == times + 12
    assert sum(found[i] for i in range(10)) == times
    assert [found[i] for i in range(10, 14)] == [3] * 4


def test_an_epoch_can_be_drawn_again():
    one, other = (RatedSampler([0.5] * 20, [1] * 20, batch=4, seed=1) for _ in range(2))
    first = list(one)
    for epoch in (1, 0):
        one.set_epoch(epoch)
        assert (list(one) == first) == (epoch == 0)
    other.set_epoch(1)
    assert not set(other) & set(first)


def test_batches_are_of_like_length():
    lengths = [10 * (i % 10 + 1) for i in range(100)]
    order = list(RatedSampler([2.0] * 100, lengths, batch=10, seed=1))
    spread = [
        max(lengths[i] for i in order[k : k + 10]) - min(lengths[i] for i in order[k : k + 10])
        for k in range(10, 200, 10)
    ]
    assert sum(spread) / len(spread) < 40  # of 90, if batches were drawn at random


def test_a_pass_is_drawn_as_its_first_record():
    assert pass_rates([(1, 0), (2,)], [1.0, 0.5, 2.0]) == [0.5, 2.0]
