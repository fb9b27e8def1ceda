"""Questions and headlines from templates: small labeled texts to try a page without any download.

They are far easier than TREC and AG News, whose classes they share.
"""

from collections.abc import Mapping, Sequence

import numpy as np

PER_CLASS = 200
"""Texts of each class."""
_SLOTS = {
    "thing": (
        "telescope, violin, bicycle, compass, glacier, volcano, orchid, falcon, printing press, "
        "steam engine, comet, magnet, harbor, lighthouse, bridge, cathedral"
    ),
    "land": ("Norway, Brazil, Japan, Kenya, Canada, India, Portugal, Egypt, Chile, Vietnam, Poland, New Zealand"),
    "person": (
        "Ada Lovelace, Marie Curie, Galileo, Mozart, Frida Kahlo, Nelson Mandela, Charles Darwin, "
        "Amelia Earhart, Leonardo da Vinci, Rosa Parks"
    ),
    "deed": "invent, discover, design, first describe, paint, build",
    "done": "invented, discovered, designed, first described, painted, built",
    "short": "NASA, DNA, GPS, UNESCO, LED, RAM, HTML, FIFA, CEO, UFO, laser, radar",
    "group": "animals, fruits, colors, languages, instruments, sports, diseases, plants",
    "quality": "largest, oldest, fastest, smallest, best known, rarest",
    "team": "Rovers, United, Tigers, Falcons, Wanderers, Eagles, Athletic, Bears",
    "sport": "football, tennis, cricket, basketball, hockey, rugby, cycling",
    "event": "final, derby, semifinal, championship, opening match, cup tie",
    "firm": (
        "the airline, the oil producer, the retailer, the bank, the carmaker, the insurer, the steel maker, the brewer"
    ),
    "money": "profit, sales, revenue, earnings, losses, the dividend",
    "move": "rise, fall, jump, slip, climb, drop",
    "office": "president, prime minister, parliament, foreign minister, opposition, government",
    "trouble": "protests, an election, peace talks, an earthquake, a ceasefire, floods",
    "device": "phone, chip, browser, search engine, robot, satellite, laptop, game console",
    "study": "scientists, researchers, engineers, astronomers, developers",
}
"""Words of each slot of a template, separated by commas."""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "ABBR": (
        "What does {short} stand for ?",
        "What is the full form of {short} ?",
        "What is {short} the short form of ?",
        "What does the abbreviation {short} mean in {land} ?",
    ),
    "DESC": (
        "What is a {thing} ?",
        "How does a {thing} work ?",
        "Why is the {thing} important in {land} ?",
        "What is the origin of the word {thing} ?",
        "How do you make a {thing} ?",
    ),
    "ENTY": (
        "What {group} are common in {land} ?",
        "What is the {quality} {thing} called ?",
        "Which {group} did {person} like ?",
        "What did {person} {deed} ?",
    ),
    "HUM": (
        "Who {done} the {thing} ?",
        "Who was the first person to see a {thing} in {land} ?",
        "Which woman {done} the {quality} {thing} ?",
        "Who is {person} ?",
    ),
    "LOC": (
        "Where is the {quality} {thing} ?",
        "What country is the {thing} from ?",
        "Where was {person} born ?",
        "What city in {land} has the {quality} {thing} ?",
    ),
    "NUM": (
        "How many {group} are there in {land} ?",
        "When was the {thing} {done} ?",
        "How far is {land} from {land} ?",
        "What year did {person} {deed} the {thing} ?",
        "How much does a {thing} cost ?",
    ),
}
"""Coarse class of TREC -> templates."""
HEADLINES: dict[str, tuple[str, ...]] = {
    "World": (
        "{office} of {land} faces {trouble}",
        "{trouble} in {land} as {office} calls for calm",
        "{land} and {land} agree on {trouble}",
        "{office} of {land} resigns after {trouble}",
    ),
    "Sports": (
        "{team} beat {team} in {sport} {event}",
        "{land} wins the {sport} {event} against {land}",
        "{team} lose the {quality} player before the {event}",
        "coach of {team} resigns after {sport} {event}",
    ),
    "Business": (
        "{firm} says {money} {move} in {land}",
        "shares of {firm} {move} as {money} {move}",
        "{firm} agrees to buy a rival in {land}",
        "{money} of {firm} {move} after price of oil {move}",
    ),
    "Sci/Tech": (
        "{study} in {land} present the {quality} {device}",
        "new {device} helps {study} find a {thing}",
        "{study} say {device} has a security hole",
        "maker of the {quality} {device} shows a {thing} {device}",
    ),
}
"""Class of AG News -> templates."""


def make_texts(templates: Mapping[str, Sequence[str]], *, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return different texts, the same number of each class, and their classes, shuffled."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, str]] = []
    for name, sentences in templates.items():
        texts: dict[str, None] = {}
        for _ in range(PER_CLASS * 20):
            if len(texts) == PER_CLASS:
                break
            texts[_fill(sentences[random.integers(len(sentences))], random)] = None
        rows += [(text, name) for text in texts]
    order = random.permutation(len(rows))
    return [rows[row][0] for row in order], [rows[row][1] for row in order]


def _fill(sentence: str, random: np.random.Generator) -> str:
    """Replace every `{slot}` by a random word of it."""
    parts = []
    for part in sentence.split("{"):
        slot, brace, rest = part.partition("}")
        parts.append(f"{random.choice(_SLOTS[slot].split(', '))}{rest}" if brace else part)
    return "".join(parts)
