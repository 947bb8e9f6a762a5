"""Scores against published figures and against scikit-learn on random tables."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import loadmat
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    precision_recall_fscore_support,
)

from lczlib.analysis.confusion import confusion
from lczlib.analysis.scores import (
    CLASS_SCORES,
    SCORES,
    SIMILARITY,
    average_accuracy,
    f1,
    kappa,
    mean_f1,
    overall_accuracy,
    overall_accuracy_built,
    overall_accuracy_urban,
    overall_accuracy_weighted,
    producers_accuracy,
    users_accuracy,
)


@pytest.fixture(scope="module")
def sen2lcz(shared):
    return loadmat(shared / "data/sen2lcz_benchmark/Acc_32.mat")


def test_sen2lcz_scores_are_the_published_ones(sen2lcz):
    counts = confusion(sen2lcz["y_testV"].ravel(), sen2lcz["y_pre"].ravel())
    assert int(counts.sum()) == 24188
    np.testing.assert_array_equal(counts, sen2lcz["confusion_matrix"])
    assert overall_accuracy(counts) == pytest.approx(0.69369109, abs=5e-9)
    assert kappa(counts) == pytest.approx(0.66436787, abs=5e-9)
    assert average_accuracy(counts) == pytest.approx(0.587, abs=5e-4)
    printed = np.array([
        [float(v) for v in line.split()[1:4]]
        for line in str(sen2lcz["classRep"][0]).splitlines()[2:19]
    ])  # fmt: skip
    ours = np.stack([users_accuracy(counts), producers_accuracy(counts), f1(counts)], -1)
    np.testing.assert_array_equal(np.round(ours, 2), printed)


tables = arrays(np.int64, (17, 17), elements=st.integers(0, 40), fill=st.just(0))


def labels_of(counts):
    reference, predicted = np.nonzero(counts)
    return reference + 1, predicted + 1, counts[reference, predicted]


@settings(max_examples=80, deadline=None)
@given(tables)
def test_scores_equal_those_of_scikit_learn(counts):
    """Random tables have empty classes and, at times, a single one; cells weigh their counts."""
    assume(counts.sum() > 0)
    reference, predicted, weight = labels_of(counts)
    np.testing.assert_allclose(
        overall_accuracy(counts), accuracy_score(reference, predicted, sample_weight=weight)
    )
    present = np.unique(reference)
    np.testing.assert_allclose(
        average_accuracy(counts),
        precision_recall_fscore_support(
            reference, predicted, labels=present, sample_weight=weight, zero_division=0
        )[1].mean(),
    )
    if np.union1d(reference, predicted).size > 1:
        np.testing.assert_allclose(
            kappa(counts), cohen_kappa_score(reference, predicted, sample_weight=weight), atol=1e-12
        )
    ua, pa, score, support = precision_recall_fscore_support(
        reference, predicted, labels=np.arange(1, 18), sample_weight=weight, zero_division=np.nan
    )
    np.testing.assert_allclose(producers_accuracy(counts), pa)
    np.testing.assert_allclose(users_accuracy(counts), ua)
    np.testing.assert_allclose(f1(counts)[support > 0], score[support > 0])
    assert np.isnan(f1(counts)[support == 0]).all()


def test_average_accuracy_is_the_balanced_accuracy_of_scikit_learn(sen2lcz):
    reference, predicted = sen2lcz["y_testV"].ravel(), sen2lcz["y_pre"].ravel()
    expected = balanced_accuracy_score(reference, predicted)
    assert average_accuracy(confusion(reference, predicted)) == pytest.approx(expected)


def table(**cells):
    """Counts from keywords such as r2p6=3."""
    counts = np.zeros((17, 17), int)
    for name, n in cells.items():
        reference, predicted = name[1:].split("p")
        counts[int(reference) - 1, int(predicted) - 1] = n
    return counts


def test_a_class_without_reference_has_no_producers_accuracy():
    counts = table(r2p2=3, r2p6=1)
    assert np.isnan(producers_accuracy(counts)[5])
    assert np.isnan(f1(counts)[5])
    assert users_accuracy(counts)[5] == 0  # mapped once, wrongly
    assert np.isnan(users_accuracy(counts)[8])
    assert average_accuracy(counts) == 0.75


def test_a_class_that_is_never_mapped_has_f1_of_zero():
    counts = table(r2p6=4, r6p6=4)
    assert np.isnan(users_accuracy(counts)[1])
    assert f1(counts)[1] == 0


def test_mean_f1_is_over_the_classes_of_the_reference():
    counts = table(r2p2=3, r2p6=1, r6p6=4, r6p8=4)
    values = f1(counts)
    assert mean_f1(counts) == pytest.approx((values[1] + values[5]) / 2)


def test_one_class_on_both_sides_has_no_kappa():
    assert np.isnan(kappa(table(r6p6=9)))


def test_an_empty_table_has_no_score():
    for score in SCORES.values():
        assert np.isnan(score(np.zeros((17, 17))))
    for score in CLASS_SCORES.values():
        assert np.isnan(score(np.zeros((17, 17)))).all()


def test_urban_accuracy_takes_built_reference_classes_only():
    counts = table(r2p2=6, r2p3=2, r10p17=2, r17p17=50, r11p2=7)
    assert overall_accuracy_urban(counts) == 0.6


def test_built_against_natural_forgives_confusion_within_each():
    counts = table(r2p3=4, r10p1=2, r11p17=3, r2p11=1)
    assert overall_accuracy_built(counts) == 0.9


def test_weighted_accuracy_credits_similar_classes():
    counts = table(r1p2=1, r1p17=1, r6p6=2)
    assert overall_accuracy_weighted(counts) == pytest.approx((11 / 12 + 0 + 2) / 4)


def test_similarity_is_symmetric_and_complete_on_the_diagonal():
    np.testing.assert_array_equal(SIMILARITY, SIMILARITY.T)
    np.testing.assert_array_equal(np.diag(SIMILARITY), 1)
    assert SIMILARITY.min() == 0
    assert (SIMILARITY[~np.eye(17, dtype=bool)] < 1).all()


def test_a_stack_of_tables_is_scored_table_by_table():
    stack = np.random.default_rng(0).integers(0, 20, (5, 17, 17))
    stack[0] = 0
    for score in (SCORES | CLASS_SCORES).values():
        np.testing.assert_array_equal(score(stack), np.stack([score(t) for t in stack]))
