"""The search index, kept in PostgreSQL beside the products."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from chassis.storage.bulk import insert_rows
from chassis.storage.database import Transaction, Write
from services.product.adapters import tables
from services.product.adapters.search import statements, words
from services.product.adapters.search.facets import facets_from_rows
from services.product.application.ports.search import (
    MOST_COUNTED,
    Found,
    Place,
    SearchEntry,
    SearchQuery,
)
from services.product.domain.values import ProductId

# What is longer makes no filter that anybody would choose; its words are found all the same.
LONGEST_VALUE = 200

WITHOUT_TRIGRAMS = "no typing errors are forgiven: the database has no pg_trgm"

# Whatever is in "Desk lamps" is found by the "Light" above it, too.
_NAMES = text(
    """
    SELECT own.id, string_agg(above.name, ' ') AS name
    FROM categories own JOIN categories above ON above.id = ANY(own.path)
    WHERE own.id = ANY(CAST(:ids AS uuid[])) GROUP BY own.id
    """
)
_STEMS = text(
    """
    SELECT word, coalesce((ts_lexize('english_stem', word))[1], '') AS stem
    FROM unnest(CAST(:words AS text[])) AS given(word)
    """
)
# One order for all, so that two transactions with the same words never wait in a circle.
_PUT_WORDS = """
INSERT INTO search_words (word, stem)
SELECT word, stem FROM unnest(CAST(:words AS text[]), CAST(:stems AS text[])) AS given(word, stem)
ORDER BY word COLLATE "C" ON CONFLICT DO NOTHING
"""
# Arrays of arrays would be unnested as one: lists travel as JSON.
_PUT = """
INSERT INTO search_entries (product_id, title, document, category_ids, attributes, created_at)
SELECT product_id, title, CAST(document AS tsvector),
    ARRAY(SELECT CAST(jsonb_array_elements_text(CAST(category_ids AS jsonb)) AS uuid)),
    ARRAY(SELECT jsonb_array_elements_text(CAST(attributes AS jsonb))), created_at
FROM unnest(
    CAST(:product_id AS uuid[]), CAST(:title AS text[]), CAST(:document AS text[]),
    CAST(:category_ids AS text[]), CAST(:attributes AS text[]), CAST(:created_at AS timestamptz[])
) AS given(product_id, title, document, category_ids, attributes, created_at)
ON CONFLICT (product_id) DO UPDATE SET title = excluded.title, document = excluded.document,
    category_ids = excluded.category_ids, attributes = excluded.attributes
"""
_REMOVE = "DELETE FROM search_entries WHERE product_id = ANY(CAST(:ids AS uuid[]))"
_REMOVE_PRICES = "DELETE FROM search_prices WHERE product_id = ANY(CAST(:ids AS uuid[]))"
# By `set_config`, what follows in this transaction is planned for its own values: a plan for any
# values would be wrong for rare words or for common ones.
_READ_WORDS = text(
    """
    SELECT word, stem, EXISTS (
            SELECT FROM search_words known WHERE known.word = given.word
            UNION ALL
            SELECT FROM search_words known WHERE known.stem = given.stem AND given.stem <> ''
            UNION ALL
            SELECT FROM search_words known WHERE given.word = :last
                AND known.word >= given.word AND known.word < given.word || chr(1114111)
        ) AS is_known
    FROM (
        SELECT word, coalesce((ts_lexize('english_stem', word))[1], '') AS stem
        FROM unnest(CAST(:words AS text[])) AS asked(word)
    ) given
    UNION ALL
    SELECT '', coalesce((
            SELECT mode() WITHIN GROUP (ORDER BY currency) FROM (
                SELECT currency FROM search_prices ORDER BY product_id DESC LIMIT 100) newest
        ), ''),
        to_regclass('ix_search_words_trigrams') IS NOT NULL
        AND set_config('plan_cache_mode', 'force_custom_plan', true) <> ''
    """
)
_SIMILAR = text(
    """
    SELECT asked.word, near.word AS candidate
    FROM unnest(CAST(:words AS text[])) AS asked(word) CROSS JOIN LATERAL (
        SELECT known.word FROM search_words known
        ORDER BY known.word <-> asked.word, known.word LIMIT 40
    ) near
    """
)

log = logging.getLogger(__name__)


class SqlSearchIndex:
    """
    Gathers what changes, and writes it as the last thing in the transaction: all words in one
    order, whatever the order of the products.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._changes: dict[ProductId, SearchEntry | None] = {}

    def put(self, entries: Sequence[SearchEntry]) -> None:
        self._change({entry.product_id: entry for entry in entries})

    def remove(self, product_ids: Sequence[ProductId]) -> None:
        self._change(dict.fromkeys(product_ids))

    async def find(self, query: SearchQuery) -> Found:
        terms = words.terms_of(query.words)
        if query.words.strip() and not terms:
            return Found(product_ids=(), next=None, total=0)
        asked = sorted({word for term in terms for word in term.words})
        last = terms[-1].parts[-1] if terms else ""
        rows = await self._tx.rows(_READ_WORDS, {"words": asked, "last": last})
        usual = next(row for row in rows if row.word == "")
        terms, corrected = await self._correct(query.words, terms, rows, can=usual.is_known)
        stems: Mapping[str, str] = {row.word: row.stem for row in rows}
        if corrected:
            stems = await self._stems(sorted({word for term in terms for word in term.words}))
        after = query.after.currency if query.after else ""
        currency = query.currency or after or usual.stem
        sql = statements.find_sql(query, has_words=bool(terms))
        given = statements.parameters(
            query, words=words.tsquery(terms, stems) if terms else "", currency=currency
        )
        statement = _prepared(sql)
        needed = {name: given[name] for name in statement.compile().params}
        found = await self._tx.rows(statement, needed)
        limitation = "" if usual.is_known else WITHOUT_TRIGRAMS
        return _found(found, query, currency, corrected=corrected, limitation=limitation)

    async def _correct(
        self, query: str, terms: Sequence[words.Term], rows: Sequence[Row[Any]], *, can: bool
    ) -> tuple[Sequence[words.Term], str]:
        """
        Return *terms* as they were meant, and the words to show for it if they were read anew.
        """
        known = {row.word for row in rows if row.is_known}
        # A number is never mistyped: it is another one. Nor is what is known in one piece.
        unknown = sorted(
            part
            for term in terms
            for part in term.parts
            if part.isalpha() and part not in known and term.whole not in known
        )
        if not can:
            _say_once()
            return terms, ""
        if not unknown:
            return terms, ""
        near: dict[str, list[str]] = {}
        for row in await self._tx.rows(_SIMILAR, {"words": unknown}):
            near.setdefault(row.word, []).append(row.candidate)
        meant = {word: words.nearest(word, near.get(word, ())) for word in unknown}
        if all(word == other for word, other in meant.items()):
            return terms, ""
        corrected = " ".join(
            "-".join(meant.get(part, part) for part in term.parts) for term in words.terms_of(query)
        )
        return words.terms_of(corrected), corrected

    async def _stems(self, every: Sequence[str]) -> Mapping[str, str]:
        rows = await self._tx.rows(_STEMS, {"words": list(every)})
        return {row.word: row.stem for row in rows}

    def _change(self, changes: Mapping[ProductId, SearchEntry | None]) -> None:
        if changes and not self._changes:
            self._tx.before_commit(self._write)
        self._changes |= changes

    async def _write(self) -> None:
        entries = [entry for entry in self._changes.values() if entry]
        gone = sorted(id_ for id_, entry in self._changes.items() if entry is None)
        self._changes = {}
        if gone:
            given = {"ids": gone}
            await self._tx.write(Write(target="search_entries", sql=_REMOVE, parameters=given))
        if entries:
            await self._write_entries(sorted(entries, key=lambda entry: entry.product_id))

    async def _write_entries(self, entries: Sequence[SearchEntry]) -> None:
        names = await self._category_names({id_ for e in entries for id_ in e.category_ids})
        weights = [words.weigh(texts_of(entry, names)) for entry in entries]
        every = sorted({word for each in weights for word in each})
        stems = await self._stems(every)
        rows = [
            row_from_entry(entry, words.document(each, stems))
            for entry, each in zip(entries, weights, strict=True)
        ]
        given = {column: [row[column] for row in rows] for column in rows[0]}
        await self._tx.write(Write(target="search_entries", sql=_PUT, parameters=given))
        given = {"ids": [entry.product_id for entry in entries]}
        await self._tx.write(Write(target="search_prices", sql=_REMOVE_PRICES, parameters=given))
        prices = [row for entry in entries for row in rows_from_prices(entry)]
        await insert_rows(self._tx, tables.search_prices, prices)
        new = {word: stems.get(word, "") for word in every if word.isalpha()}
        given = {"words": list(new), "stems": list(new.values())}
        await self._tx.write(Write(target="search_words", sql=_PUT_WORDS, parameters=given))

    async def _category_names(self, ids: set[UUID]) -> Mapping[UUID, str]:
        if not ids:
            return {}
        return {row.id: row.name for row in await self._tx.rows(_NAMES, {"ids": sorted(ids)})}


def texts_of(entry: SearchEntry, names: Mapping[UUID, str]) -> Sequence[tuple[str, str]]:
    """
    Return the texts to find *entry* by, each with its weight.
    """
    return [
        ("A", entry.title),
        *(("B", sku) for sku in entry.skus),
        ("B", entry.handle),
        *(("B", value) for values in entry.attributes.values() for value in values),
        *(("C", names[id_]) for id_ in entry.category_ids if id_ in names),
        ("D", entry.description),
    ]


def row_from_entry(entry: SearchEntry, document: str) -> Mapping[str, Any]:
    attributes = [
        f"{name}{statements.SEPARATOR}{value}"
        for name, values in entry.attributes.items()
        for value in values
        if len(value) <= LONGEST_VALUE and statements.SEPARATOR not in name + value
    ]
    return {
        "product_id": entry.product_id,
        "title": entry.title,
        "document": document,
        "category_ids": orjson.dumps(entry.category_ids, default=str).decode(),
        "attributes": orjson.dumps(attributes).decode(),
        "created_at": entry.created_at,
    }


def rows_from_prices(entry: SearchEntry) -> Sequence[Mapping[str, Any]]:
    return [
        {"product_id": entry.product_id, "currency": currency, "lowest": low, "highest": high}
        for currency, (low, high) in sorted(entry.prices.items())
    ]


def _found(
    rows: Sequence[Row[Any]], query: SearchQuery, currency: str, *, corrected: str, limitation: str
) -> Found:
    page = sorted(
        ((row.number, ProductId(UUID(row.value))) for row in rows if row.kind == "page"),
        reverse=True,
    )
    shown = page[: query.page_size]
    total = next(row.number for row in rows if row.kind == "total")
    more = len(page) > len(shown)
    return Found(
        product_ids=tuple(id_ for _, id_ in shown),
        next=Place(score=shown[-1][0], product_id=shown[-1][1], currency=currency)
        if more
        else None,
        total=min(total, MOST_COUNTED),
        is_partial=total > MOST_COUNTED,
        corrected=corrected,
        facets=facets_from_rows(rows, currency) if query.with_facets else (),
        limitation=limitation,
    )


@lru_cache(maxsize=512)
def _prepared(sql: str) -> Any:
    return text(sql)


@lru_cache(maxsize=1)
def _say_once() -> None:
    log.warning("search: %s", WITHOUT_TRIGRAMS)
