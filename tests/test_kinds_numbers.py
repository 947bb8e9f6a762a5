"""Numbers as people write them: signs, groups, words for missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lczlib.tables import numbers


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["15,3", "16", "-0,5"], [15.3, 16.0, -0.5]),
        (["1,234.5", "12.5", "1,000"], [1234.5, 12.5, 1000.0]),
        (["1.234,5", "12,5", "1.000"], [1234.5, 12.5, 1000.0]),
        (["1 234,5", "12,5", "7"], [1234.5, 12.5, 7.0]),
        (["1'234.5", "−3", "\u00a04.5\u202f"], [1234.5, -3.0, 4.5]),
        (["+3.", ".5", "1.5e1"], [3.0, 0.5, 15.0]),
        (["0,123", "1,234", "NA"], [0.123, 1.234, np.nan]),
        (["15,3", "15.4", "--"], [15.3, 15.4, np.nan]),
    ],
)  # fmt: skip
def test_signs_of_numbers_are_those_of_the_whole_column(texts, values):
    read = numbers(pd.Series(texts))
    np.testing.assert_allclose(read.values, values)
    assert read.unread.empty


@pytest.mark.parametrize(
    "text", ["1,234", "inf", "1e999", "1_000", "0x1F", "15.3 °C", "1.2.3", "12-5", "1,23,4"]
)
def test_what_is_no_certain_number_is_not_read(text):
    read = numbers(pd.Series([text, "16"]))
    assert read.unread.tolist() == [text]
    assert read.values.tolist()[1] == 16


@given(
    values=st.lists(st.integers(-9_999_999, 9_999_999), min_size=1, max_size=12),
    digits=st.integers(1, 4), decimal=st.sampled_from([".", ","]),
    group=st.sampled_from(["", "other", " ", "\u202f", "'", "’"]), minus=st.sampled_from("-−"),
    missing=st.sampled_from(["", "NA", "n/a", "--", "---", "null", "Missing", "#N/A"]),
)  # fmt: skip
def test_drawn_numbers_are_read_as_written_or_not_at_all(
    values, digits, decimal, group, minus, missing
):
    numbers_written = [v / 10**digits for v in values]
    other = {".": ",", ",": "."}[decimal] if group == "other" else group
    to_sign = str.maketrans({",": other, ".": decimal, "-": minus})
    texts = [f"{v:,.{digits}f}".translate(to_sign) for v in numbers_written]
    read = numbers(pd.Series([*texts, missing, "7"]))
    got = read.values.to_numpy()
    wrong = ~np.isclose(got[:-2], numbers_written) & ~np.isnan(got[:-2])
    assert not wrong.any()
    assert np.isnan(got[-2])
    assert got[-1] == 7
    assert len(read.unread) == np.isnan(got[:-2]).sum()
    certain = digits != 3 or decimal == "." or any(abs(v) < 1 for v in numbers_written)
    assert not certain or read.unread.empty
