"""AG News, IMDB, TREC and GloVe: valid and invalid files."""

import io
import random
import tarfile

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.data.sources import locate as sources
from dlcore.data.text import corpora as text
from dlcore.data.text import word_vectors
from dlcore.data.text.vocabulary import Vocabulary, bert_vocabulary

TRAIN = ["A good film, a very good film!", "a bad film", "don't see this film", "good good good"] * 3


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def news(folder, train: str, test: str = '"4","t","a test"\n') -> None:
    (folder / "ag-news").mkdir()
    (folder / "ag-news" / "train_15181.csv").write_text(train, encoding="utf-8")
    (folder / "ag-news" / "test.csv").write_text(test, encoding="utf-8")


def test_news_are_repaired_and_the_test_split_stays_complete(folder):
    news(
        folder,
        '"1","","Haiti #39;s straits"\n"3","Up","costs #36;10, isn #39;t it&lt;TXN.N&gt;\\now quot;AT amp;T quot;"\n'
        '"2","","A TEST  it is"\n'
        '"2","t","A test"\n',
        '"4","t","a test"\n"4","T","A test"\n',
    )
    dataset = text.load("ag_news_15k")
    assert dataset.texts[:2] == ["Haiti's straits", 'Up costs $10, isn\'t it TXN.N now "AT &T "']
    assert dataset.labels.tolist() == [0, 2, 1, 3, 3] and dataset.test.tolist() == [False] * 3 + [True] * 2
    assert dataset.doubled == 1 and dataset.rows.tolist() == [
        0,
        1,
        2,
        4,
        5,
    ]  # a training text of the test split is removed
    assert dataset.names == text.NEWS


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ('"1","a","b"\n"5","a","b"\n', "line 2: expected a class"),
        ('"1","a"\n', "line 1: expected a class"),
        ('"1","a","b"c"\n', "line 1"),
        ('"1","a","b\n', "line 1: unexpected end of data"),
    ],
)
def test_invalid_news_are_rejected(folder, train, message):
    news(folder, train)
    with pytest.raises(DataError, match=message) as caught:
        text.load("ag_news_15k")
    assert "\n" not in str(caught.value)


def test_questions_have_coarse_and_fine_classes(folder):
    (folder / "trec").mkdir()
    (folder / "trec" / "train_5500.label").write_bytes(
        b"HUM:ind Who was caf\xe9 ?\nNUM:date When ?\nNUM:count How many ?\n"
    )
    (folder / "trec" / "TREC_10.label").write_bytes(b"NUM:date What year ?\n")
    coarse, fine = text.load("trec6"), text.load("trec50")
    assert coarse.names == ("human or group", "numeric") and coarse.labels.tolist() == [0, 1, 1, 1]
    assert fine.names == ("human: one person", "numeric: count", "numeric: date") and fine.labels.tolist() == [
        0,
        2,
        1,
        2,
    ]
    assert coarse.texts[0] == "Who was caf\u00e9 ?" and coarse.test.tolist() == [False, False, False, True]
    (folder / "trec" / "TREC_10.label").write_bytes(b"no kind\n")
    with pytest.raises(DataError, match="line 1: expected COARSE:fine"):
        text.load("trec6")


def archive(place, files: dict[str, str]) -> None:
    with tarfile.open(place, "w:gz") as packed:
        for name, words in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(words.encode())
            packed.addfile(member, io.BytesIO(words.encode()))


def test_imdb_reviews_are_read_from_the_archive(folder):
    files = {
        f"aclImdb/{part}/{side}/{n}.txt": f"{part} {side}<br />{n}"
        for part in ("test", "train")
        for side in ("pos", "neg")
        for n in range(3)
    }
    archive(folder / "aclImdb_v1.tar.gz", {**files, "aclImdb/train/unsup/0_0.txt": "none", "aclImdb/README": "x"})
    dataset = text.load("imdb")
    assert dataset.texts[0] == "train neg 0" and dataset.texts[-1] == "test pos 2"
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2 and dataset.test.sum() == 6
    assert np.array_equal(text.load("imdb").labels, dataset.labels)  # from the cache
    archive(folder / "aclImdb_v1.tar.gz", {"aclImdb/train/pos/1.txt": "alone"})
    with pytest.raises(DataError, match="equal numbers of reviews"):
        text.load("imdb")
    (folder / "aclImdb_v1.tar.gz").write_bytes(b"torn")
    with pytest.raises(DataError, match="cannot be unpacked"):
        text.load("imdb")


def test_vectors_are_read_from_a_text_file(folder):
    (folder / "glove.6B.100d.txt").write_text(
        "\n".join(
            f"{word} {' '.join([str(value)] * 100)}" for word, value in (("film", 1), ("'s", 3), ("do", 2), ("n't", 4))
        )
    )
    vectors = word_vectors.load_vectors(["[PAD]", "film", "film's", "don't", "zebra"])
    assert vectors.known.tolist() == [False, True, True, True, False]
    assert vectors.vectors[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 0.0]
    assert word_vectors.most_frequent_words(2) == ["film", "'s"]
    (folder / "glove.6B.100d.txt").write_text("film 1 2\n")
    with pytest.raises(DataError, match="line 1: expected a word and 100 numbers, not 2"):
        word_vectors.load_vectors(["film"])


def test_byte_pairs_of_the_same_texts_are_the_same():
    """The trainer itself numbers letters in a random order, so that ties between pairs were decided at random."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(800)]
    first, second = (Vocabulary.fit(words * 2, size=200, kind="byte_pair") for _ in range(2))
    assert first.words == second.words and first.merges == second.merges


def test_byte_pairs_encode_every_word_of_known_letters():
    known = Vocabulary.fit(TRAIN, size=60, min_frequency=1, kind="byte_pair")
    assert known.tokens("good film")[0] == "good" and "[UNK]" not in known.tokens("goodfilm dogs")[:2]
    assert "".join(piece.removeprefix("##") for piece in known.tokens("bidon")) == "bidon"
    again = text.from_preprocessing(text.as_preprocessing(known, length=9, keep="start"))
    assert np.array_equal(again.encode(["good dogs film"], length=9), known.encode(["good dogs film"], length=9))


@pytest.mark.realdata("bert_vocabulary")
def test_reduced_wordpiece_vocabulary_tokenizes_like_bert():
    whole, known = bert_vocabulary(), Vocabulary.fit(TRAIN, size=1000, min_frequency=1, kind="wordpiece")
    assert len(whole) == 30_522 and len(known) < 4000
    for each in TRAIN:
        assert known.tokens(each) == whole.tokens(each)
    assert whole.tokens("Unaffable caf\u00e9s!") == ["una", "##ffa", "##ble", "cafes", "!"]  # the paper's example
    assert "[UNK]" not in known.tokens("zebra")
    assert known.encode(["film \U0001f600"], length=3).tolist()[0][1] == text.UNKNOWN


@pytest.mark.realdata("ag_news_15k", "trec6")
def test_real_datasets_have_their_published_sizes():
    dataset = text.load("ag_news_15k")
    assert (len(dataset.texts), dataset.test.sum(), dataset.doubled) == (22_778, 7600, 3)
    assert np.bincount(dataset.labels[dataset.test]).tolist() == [1900] * 4
    questions = text.load("trec6")
    assert questions.test.sum() == 500 and len(set(text.load("trec50").names)) == 50
    assert sources.get_dataset("trec6").rows == len(questions.texts) + questions.doubled
