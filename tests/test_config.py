"""Objects by name and from records."""

import pytest

import tinynet as tn
from tinynet import arguments as checks
from tinynet.layers import Dense


def test_lookup_finds_names_in_any_case_and_suggests_the_nearest():
    table = {"glorot_uniform": 1, "zeros": 2}
    for name in ("glorot_uniform", "GlorotUniform", "GLOROT_UNIFORM"):
        assert checks.lookup("thing", name, table) == 1
    with pytest.raises(ValueError, match=r"'zero'\. Did you mean 'zeros'\? Known: 'glorot_uniform', 'zeros'\."):
        checks.lookup("thing", "zero", table)


def test_a_class_of_another_kind_is_not_told_to_be_called():
    with pytest.raises(TypeError, match=r"must be a name \('adam', .*, 'sgd'\) or an instance of Optimizer; got"):
        tn.optimizers.get(Dense)
