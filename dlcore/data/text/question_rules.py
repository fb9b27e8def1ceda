"""Rules that tell what a question asks for: phrases with scores, for the classes of TREC (Li & Roth 2002)."""

from collections.abc import Sequence

DEFAULT = "entity: other"
"""The class without any phrase."""


def _score(weight: float, phrases: str) -> dict[str, float]:
    return {phrase.strip(): weight for phrase in phrases.split(",")}


RULES: dict[str, dict[str, float]] = {
    "abbreviation: what it stands for": _score(
        9, "stand for, stands for, short for, acronym, abbreviation, abbreviated, full form, initials"
    ),
    "description: definition": _score(3, "what is a, what is an, what are, define, meaning of, mean, what does")
    | _score(2, "what is, what 's"),
    "description: reason": _score(9, "why") | _score(5, "what caused, causes, reason"),
    "description: manner": _score(4, "how do, how does, how did, how can, how is, how are, how was"),
    "description: in general": _score(6, "origin of, difference between, history of, what happens, describe"),
    "human: one person": _score(9, "who, whom, whose, who 's")
    | _score(
        6,
        "actor, actress, man, woman, person, president, author, singer, player, king, queen, inventor, poet, "
        "scientist, artist, leader, explorer, writer, astronaut, wife, husband, character, minister",
    ),
    "human: group": _score(5, "company, team, organization, band, university, group, tribe, what company"),
    "location: other": _score(9, "where, where 's")
    | _score(5, "continent, planet, island, river, lake, ocean, located, street, address, zone"),
    "location: city": _score(6, "city, capital, cities, capital of"),
    "location: country": _score(6, "country, countries, nation"),
    "location: state": _score(6, "what state, which state, what u"),
    "location: mountain": _score(6, "mountain, volcano, mountains"),
    "numeric: count": _score(12, "how many, number of"),
    "numeric: money": _score(11, "how much") | _score(6, "cost, price, salary, worth, dollars"),
    "numeric: date": _score(9, "when, what year, which year, what date, what day, birthday, what month, in what year"),
    "numeric: distance": _score(9, "how far, how tall, how high, how deep, how wide, distance, height"),
    "numeric: length of time": _score(9, "how long, how old, life expectancy, age of"),
    "numeric: speed": _score(9, "how fast, speed"),
    "numeric: size or volume": _score(9, "how big, how large, size of, area of, how hot"),
    "numeric: percentage": _score(9, "percentage, percent, odds, fraction, rate"),
    "numeric: other": _score(7, "population, temperature, phone number, zip code, average"),
    "entity: animal": _score(5, "animal, dog, bird, fish, horse, animals, cat, insect"),
    "entity: color": _score(6, "color, colors, what color"),
    "entity: food": _score(5, "food, drink, fruit, beverage, ingredient, what kind"),
    "entity: language": _score(6, "language, languages"),
    "entity: sport": _score(5, "sport, game, sports"),
    "entity: book, film or art": _score(5, "book, film, movie, novel, song, play, magazine, newspaper, show, title"),
    "entity: disease or medicine": _score(5, "disease, drug, illness"),
    "entity: other": _score(
        4, "name a, what kind of, what type of, instrument, currency, plant, word, called, products"
    ),
}
"""Class -> phrase -> score."""


def matching(expected: str, labels: Sequence[str]) -> list[int]:
    """Return the places of the labels that mean a class of the rules: the same, or the coarse class."""
    coarse = expected.partition(":")[0]
    same = [place for place, label in enumerate(labels) if label == expected]
    return same or [place for place, label in enumerate(labels) if ":" not in label and label.startswith(coarse)]
