"""Waiting lists held to closed forms, and to what a list cannot do."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.statistics import queueing
from medlib.statistics.queueing import (
    Arrivals,
    arrivals,
    mean_wait,
    mean_waits_by_priority,
    settled_in,
    waits,
)

TAKES = 8.0


def long_list(load, scans=60_000, seed=0):
    return arrivals(scans, every=TAKES / load, takes=TAKES, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("load", [0.5, 0.7])
def test_time_in_an_m_m_1_queue_is_one_over_mu_less_lambda(load):
    scans = long_list(load)
    time = (waits(scans) + scans.takes)[settled_in(scans)].mean()
    assert time == pytest.approx(1 / (1 / TAKES - load / TAKES), rel=0.04)
    assert mean_wait(load, TAKES) + TAKES == pytest.approx(1 / (1 / TAKES - load / TAKES))


def test_waits_by_priority_are_cobhams():
    scans, load, share = long_list(0.7), 0.7, 0.2
    urgent = np.random.default_rng(1).random(len(scans.at)) < share
    waited, kept = waits(scans, ~urgent), settled_in(scans)
    expected = mean_waits_by_priority(share, load, TAKES)
    assert waited[kept][urgent[kept]].mean() == pytest.approx(expected[0], rel=0.05)
    assert waited[kept][~urgent[kept]].mean() == pytest.approx(expected[1], rel=0.05)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("load", [0.3, 0.8])
def test_a_priority_moves_waiting_and_makes_none(share, load):
    urgent, others = mean_waits_by_priority(share, load, TAKES)
    assert share * urgent + (1 - share) * others == pytest.approx(mean_wait(load, TAKES))
    assert urgent < mean_wait(load, TAKES) < others


def test_the_reader_is_as_busy_whatever_the_order():
    scans = long_list(0.8, scans=500)
    first = np.arange(500) % 3
    ends = [np.max(scans.at + waits(scans, p) + scans.takes) for p in (None, first)]
    assert ends[0] == pytest.approx(ends[1])


def test_a_list_counted_by_hand():
    scans = Arrivals(np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 5.0, 1.0, 1.0]))
    assert waits(scans).tolist() == [0, 4, 8, 8]
    assert waits(scans, [1, 1, 1, 0]).tolist() == [0, 5, 9, 2]
    assert waits(scans, readers=2).tolist() == [0, 0, 3, 3]


def test_nobody_is_interrupted_and_nobody_is_read_before_coming():
    scans = long_list(0.9, scans=2_000)
    urgent = np.random.default_rng(2).random(2_000) < 0.1
    begun = scans.at + waits(scans, ~urgent)
    order = np.argsort(begun)
    assert (waits(scans, ~urgent) >= 0).all()
    ends = (begun + scans.takes)[order]
    assert (begun[order][1:] >= ends[:-1] - 1e-9).all()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: mean_wait(1.0, 8), "without end"),
        (lambda: arrivals(0, every=1, takes=1, rng=np.random.default_rng(0)), "number"),
        (lambda: arrivals(5, every=0, takes=1, rng=np.random.default_rng(0)), "above 0"),
        (lambda: queueing.waits(long_list(0.5, 5), [0, 1]), "2 entries for 5"),
    ],
)
def test_what_is_no_list_is_refused(ask, said):
    with pytest.raises(InputError, match=said):
        ask()
