"""The receipt of a custom dataset goes with a run: in `run.json` and on the card."""

import dataclasses
import json

from messy_importer import IMPORTER, messy_csv

from dlcore import projects, runs
from dlcore.data.custom import registry
from dlcore.runs.bundle import card

RECEIPT = ["rows sorted by time", "3 duplicate times: mean of their values", "5 missing hours: interpolate:6"]


def train(tmp_path):
    settings = {"epochs": 1}
    config = projects.configure("anomaly", model="dense_32", dataset="mine", preset="quick", settings=settings)
    runs.train_here(config, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_bundle_and_card_carry_the_receipt_also_after_import(home, tmp_path):
    IMPORTER.save("mine", IMPORTER.preview(messy_csv(400), repair="default"), source="messy.csv")
    folder = train(tmp_path)
    run = json.loads((folder / "run.json").read_text())
    assert (run["data_source"], run["data_receipt"]) == ("messy.csv", RECEIPT)
    section = (folder / "card.md").read_text().split("## Data repairs\n\n")[1].split("\n\n##")[0]
    assert section.splitlines() == [f"{number}. {line}" for number, line in enumerate(RECEIPT, start=1)]
    registry.remove("mine")
    imported = runs.import_run(folder)
    assert runs.open_run(imported.run_id).finished_bundle.run["data_receipt"] == RECEIPT


def test_dataset_without_a_receipt_is_said_and_a_public_one_has_no_section(home, tmp_path):
    preview = IMPORTER.preview(messy_csv(400), repair="default")
    IMPORTER.save("mine", dataclasses.replace(preview, receipt=()))
    text = (train(tmp_path) / "card.md").read_text()
    assert "## Data repairs\n\nNone: the data are as in the file.\n" in text
    public = runs.open_run("reference:anomaly/dense_32").finished_bundle
    assert "Data repairs" not in card.render_card(public.run)


def test_long_receipt_with_markup_is_cut_and_escaped():
    run = runs.open_run("reference:anomaly/dense_32").finished_bundle.run
    lines = ["label '<script>' merged with [x](y)\nand more", *(f"line {n}" for n in range(60))]
    text = card.render_card({**run, "data_receipt": lines})
    assert "1. label '\\<script\\>' merged with \\[x\\](y) and more\n2. line 0\n" in text
    assert "\n50. line 48\n... and 11 more, in `run.json`\n" in text
