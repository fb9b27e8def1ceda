"""The Data panel of images: custom datasets, skipped files, duplicates, a dataset without a download."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dlcore import projects
from dlcore.core.errors import DataError
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import registry as custom
from dlcore.ui.widgets import samples


def png(seed: int) -> bytes:
    small = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize((40, 40)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def ants_and_bees(tmp_path, monkeypatch):
    """A custom dataset of twenty images of two classes; one image twice, and one file that is not an image."""
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for k, name in enumerate(("ants", "bees")):
            for i in range(10):
                archive.writestr(f"{name}/{i}.png", png(10 * k + (i or 1)))
        archive.writestr("ants/notes.png", b"no picture")
    return custom_images.IMPORTER.save("mine", custom_images.IMPORTER.preview(file.getvalue()), source="mine.zip")


def panel() -> None:
    from dlcore import projects
    from dlcore.runs import Run
    from dlcore.ui.modalities import image as images_data

    config = projects.configure("architectures", dataset="custom:mine", preset="quick")

    class PinnedRun(Run):
        config = bundle = None

    run = PinnedRun("x", None)
    type(run).config = config
    images_data.overview(projects.get("architectures"), run)


def test_custom_images_are_shown_with_duplicates_and_skipped_files(ants_and_bees):
    app = AppTest.from_function(panel, default_timeout=60).run()
    assert not app.exception and not app.error
    words = " ".join(m.value for m in app.markdown)
    assert "**mine**, custom dataset: 20 images" in words and "2 images are exact duplicates" in words
    assert "1 file rejected, 0 converted" in [fold.label for fold in app.expander]
    table = next(frame.value for frame in app.dataframe if "Reason" in frame.value)
    assert table["File"].tolist() == ["ants/notes.png"] and "not an image" in table["Reason"].iloc[0]
    app.button(key="remove-mine").click().run()
    assert custom.find("mine") is None


def test_dataset_without_a_download_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path))

    def script():
        from dlcore.ui.shell import download_offer

        download_offer.offer_download("dogs_food_vehicles")

    app = AppTest.from_function(script).run()
    assert not app.exception and not app.button
    words = " ".join([*(m.value for m in app.markdown), *(c.value for c in app.caption)])
    assert "it has no public address" in words and "cnn_dataset.zip" in words and "CIFAR-10" in words


def test_images_of_another_dataset_can_be_selected(ants_and_bees):
    app = AppTest.from_function(panel, default_timeout=60).run()
    dataset = next(box for box in app.selectbox if box.label == "Dataset")
    assert dataset.value == "custom:mine"
    dataset.select("digits").run()
    assert not app.exception and not app.error
    assert "handwritten digits" in " ".join(m.value for m in app.markdown)


def test_missing_images_of_a_run_are_reported_and_upload_is_offered(ants_and_bees, monkeypatch):
    monkeypatch.delenv("DLCORE_DATA", raising=False)  # only packaged datasets
    pinned = projects.configure("architectures", dataset="custom:mine", preset="quick")
    assert samples.is_available(pinned)
    custom.remove("mine")
    assert not samples.is_available(pinned)
    app = AppTest.from_function(missing_images_panel, default_timeout=60).run()
    assert not app.exception and not app.error
    assert "“mine”, are no longer on this machine" in app.info[0].value
    assert [uploader.label for uploader in app.get("file_uploader")] == ["File (ZIP)"]


def missing_images_panel() -> None:
    from dlcore import projects
    from dlcore.runs import Run
    from dlcore.ui.modalities import image as images_data

    class PinnedRun(Run):
        config = bundle = None

    config = projects.configure("architectures", dataset="digits", preset="quick")
    PinnedRun.config = config.model_copy(update={"dataset": "custom:mine", "data_checksum": "1" * 64})
    images_data.overview(projects.get("architectures"), PinnedRun("x", None))


def test_dataset_with_the_same_name_but_another_checksum_is_rejected(ants_and_bees):
    pinned = projects.configure("architectures", dataset="custom:mine", preset="quick")
    other = pinned.model_copy(update={"data_checksum": "0" * 64})
    assert samples.is_available(pinned) and not samples.is_available(other)
    with pytest.raises(DataError, match="differs from the one this run was trained on"):
        samples.load_run_images(other)
