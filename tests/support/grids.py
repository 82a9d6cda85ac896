"""Tests of all pairs, triples, ... of the entries of several lists, of which a few are run by default."""

import itertools

import pytest


def grid(**lists):
    """Parametrize a test over all combinations of the entries of these lists, or dictionaries, by name.

    By default so many run that every entry is in one of them: the n-th entries of all lists, a list that is at its end
    beginning anew. The others, which seldom find what these do not, are marked slow.
    """
    named = [(each.items() if isinstance(each, dict) else [(str(one), one) for one in each]) for each in lists.values()]
    columns = [list(each) for each in named]
    quick = {tuple(n % len(column) for column in columns) for n in range(max(map(len, columns)))}
    combinations = itertools.product(*(range(len(column)) for column in columns))
    cases = []
    for places in combinations:
        entries = [column[place] for column, place in zip(columns, places, strict=True)]
        marks = () if places in quick else pytest.mark.slow
        names, values = zip(*entries, strict=True)
        cases.append(pytest.param(*values, marks=marks, id="-".join(names)))
    return pytest.mark.parametrize(list(lists), cases)
