"""What the reference runs flag of inputs of no class, at most 7 % of their test samples being flagged."""

from pathlib import Path

import pytest

from dlcore import runs
from dlcore.core import settings
from dlcore.core.errors import DataError
from dlcore.data.text.corpora import general_english
from tests.out_of_scope import ALL_LANGUAGES, ALL_OFF_TOPIC, OFF_TOPIC, OTHER_LANGUAGES

MEASURED = sorted(path.parent for path in (settings.ASSETS / "runs").glob("*/*/familiarity.npz"))


def test_the_sentences_are_as_many_as_said_and_none_is_known_to_a_rule():
    assert len(OTHER_LANGUAGES) == len(OFF_TOPIC) == 10
    assert len(set(ALL_LANGUAGES)) == len(set(ALL_OFF_TOPIC)) == 100
    assert not set(ALL_OFF_TOPIC) & set(general_english())


@pytest.mark.parametrize("folder", MEASURED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_rates_of_a_reference_run(folder: Path) -> None:
    bundle = runs.Bundle(folder)
    rule = bundle.calibration
    assert rule is not None and rule.flagged_share <= 0.053 and rule.low <= 0.07  # of 400 test photos up
    rates = {rate.what: (rate.flagged, rate.n) for rate in rule.outside}
    if bundle.config.project == "food":
        assert rates["photos of dogs"] >= (75, 80) and rates["photos of vehicles"] >= (75, 80)
    for what in ("sentences in ten other languages", "off-topic English sentences"):
        assert what not in rates or rates[what] >= (90, 100)
    assert all(f"{flagged} of {n} {what}" in bundle.card for what, (flagged, n) in rates.items())


@pytest.mark.parametrize("reference", ["questions/gru"])
def test_rates_of_the_bundle_are_those_of_its_answers(reference: str) -> None:
    run = runs.open_run(f"reference:{reference}")
    rates = {rate.what: rate.flagged for rate in run.finished_bundle.calibration.outside}
    for what, sentences in (
        ("sentences in ten other languages", ALL_LANGUAGES),
        ("off-topic English sentences", ALL_OFF_TOPIC),
    ):
        flagged = 0
        for sentence in sentences:
            try:
                flagged += run.predict(sentence)["uncertain"]
            except DataError:  # rejected: no word is known
                flagged += 1
        assert flagged == rates[what]
    german = run.predict(OTHER_LANGUAGES["German"][0])
    assert german["reasons"][0] == "language" and german["measures"].keys() == {"language", "topic", "distance"}
    assert not run.predict("Who was the first woman to fly across the Atlantic?")["uncertain"]
