"""Words: how texts and queries are taken apart, so that both meet in the same form."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LONGEST_WORD = 64
# A document may have 1 MiB of lexemes; a word and its stem are both among them.
MOST_BYTES = 400_000
# One letter begins too many words to look them all up.
SHORTEST_PREFIX = 2

_WORD = re.compile(r"[^\W_]+")
# Taken apart they would be letters, and grow on to the word that they stand behind.
_MARKS = dict.fromkeys(map(ord, "™℠"), " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """
    What stood between two blanks: found by all of its *parts*, or in one piece, as *whole*.
    "T-shirt" has the parts "t" and "shirt", and the whole "tshirt".
    """

    parts: tuple[str, ...]
    whole: str

    @property
    def words(self) -> tuple[str, ...]:
        return self.parts if len(self.parts) == 1 else (*self.parts, self.whole)


def fold(text: str) -> str:
    """
    Return *text* in small letters without diacritics: "Größe" and "GROSSE" become one.
    """
    # Some letters are capitals only once they are taken apart, such as that of "℃".
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_MARKS)).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def terms_of(text: str) -> Sequence[Term]:
    apart = [tuple(_WORD.findall(chunk)) for chunk in fold(text).split()]
    return [
        Term(
            parts=tuple(part[:LONGEST_WORD] for part in parts),
            whole="".join(parts)[:LONGEST_WORD],
        )
        for parts in apart
        if parts
    ]


def weigh(texts: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """
    Return the words of *texts*, each a weight (A to D) and a text, the weightiest first; each
    word with its highest weight. Beyond MOST_BYTES, words are left out.
    """
    weights: dict[str, str] = {}
    left = MOST_BYTES
    for weight, text in texts:
        for term in terms_of(text):
            for word in term.words:
                if word not in weights:
                    left -= len(word.encode())
                    if left < 0:
                        return weights
                    weights[word] = weight
    return weights


def document(weights: Mapping[str, str], stems: Mapping[str, str]) -> str:
    """
    Return a tsvector of words and their stems.
    """
    lexemes: dict[str, str] = {}
    for word, weight in weights.items():
        for lexeme in (word, stems.get(word) or word):
            lexemes[lexeme] = min(weight, lexemes.get(lexeme, "D"))
    return " ".join(f"'{lexeme}':1{weight}" for lexeme, weight in lexemes.items())


def tsquery(terms: Sequence[Term], stems: Mapping[str, str]) -> str:
    """
    Return what finds all of *terms*, the last one also as the beginning of a word.

    Stop words, which have no stem, count only where there is nothing else.
    """
    telling = [term for term in terms if any(stems.get(part) for part in term.parts)]
    wanted = telling or terms
    return " & ".join(_either(term, stems, last=term is terms[-1]) for term in wanted)


def _either(term: Term, stems: Mapping[str, str], *, last: bool) -> str:
    parts = [_lexeme(part, stems) for part in term.parts[:-1]]
    parts.append(_lexeme(term.parts[-1], stems, prefix=last))
    together = f"({' & '.join(parts)})"
    if len(parts) == 1:
        return together
    return f"({_lexeme(term.whole, stems, prefix=last)} | {together})"


def _lexeme(word: str, stems: Mapping[str, str], *, prefix: bool = False) -> str:
    beginning = ":*" if prefix and len(word) >= SHORTEST_PREFIX else ""
    # Words are letters and digits only: nothing in them could end the quotes.
    return f"('{word}'{beginning} | '{stems.get(word) or word}')"


def nearest(word: str, candidates: Iterable[str]) -> str:
    """
    Return the first of *candidates* that *word* may be meant for, or *word* itself.

    One slip is forgiven in 3 to 5 letters and two in more: two in a short word make too many
    others of it. In fewer than 3 letters none is.
    """
    allowed = 0 if len(word) < 3 else 1 if len(word) <= 5 else 2
    slips = [(distance(word, candidate), candidate) for candidate in candidates]
    best = min(slips, key=lambda slip: slip[0], default=(allowed + 1, word))
    return best[1] if best[0] <= allowed else word


def distance(one: str, other: str) -> int:
    """
    Return how many letters must be put in, left out, changed or swapped with their neighbour.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
