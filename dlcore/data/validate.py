"""Reads a public dataset completely, to check files that a user provides."""

from dlcore.data.sources import locate


def validate_dataset(name: str) -> None:
    """Load the dataset with its reader.

    Raises:
        DataError: It is missing, or a file is invalid.
    """
    if name == "glove":
        from dlcore.data.text import word_vectors

        word_vectors.load_vectors(["the"])
    elif locate.get_dataset(name).kind == "images":
        from dlcore.data.images import images

        images.load(name)
    elif locate.get_dataset(name).kind == "text":
        from dlcore.data.text import corpora

        corpora.load(name)
    else:
        from dlcore.data.series import air_quality

        air_quality.load_table(name)
