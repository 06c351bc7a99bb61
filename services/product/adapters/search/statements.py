"""The one statement that finds a page and counts its facets."""

from collections.abc import Mapping
from typing import Any

from services.product.application.ports.search import MOST_COUNTED, SearchOrder, SearchQuery

# Between the name and the value of an attribute; neither of those in the index has it.
SEPARATOR = "\x1f"

# Where a price range may begin, in minor units.
STEPS = [
    int(first * 10**exponent / 10)
    for exponent in range(1, 14)
    for first in (10, 15, 20, 30, 50, 75)
]

_SCORES = {
    SearchOrder.NEWEST: "0",
    SearchOrder.CHEAPEST: "-p.lowest",
    SearchOrder.DEAREST: "p.highest",
}
# As the indexes are ordered. By relevance, the first ones found are ranked, whichever they are:
# to choose among more, all would have to be ranked.
_FIRST = {
    SearchOrder.NEWEST: "ORDER BY e.product_id DESC",
    SearchOrder.CHEAPEST: "ORDER BY p.lowest, p.product_id DESC",
    SearchOrder.DEAREST: "ORDER BY p.highest DESC, p.product_id DESC",
}
_IN_CATEGORY = """e.category_ids && ARRAY(
    SELECT id FROM categories WHERE path @> ARRAY[CAST(:category AS uuid)])"""
_IN_PRICE = "p.highest >= :least AND p.lowest <= :most"


def find_sql(query: SearchQuery, *, has_words: bool) -> str:
    """
    Return the statement for *query*: only the conditions it has, for the planner to see.
    """
    conditions = _conditions(query, has_words=has_words)
    score = _SCORES.get(query.order) or (
        "CAST(1e6 * ts_rank('{0.05, 0.2, 0.4, 1}', e.document, CAST(:words AS tsquery)) AS bigint)"
    )
    beyond = "WHERE (score, product_id) < (:after_score, CAST(:after_id AS uuid))"
    parts = [
        "matched AS MATERIALIZED ("
        f" SELECT e.product_id, e.category_ids, e.attributes, {score} AS score"
        f"{', p.lowest' if _by_price(query) else ''}"
        f" {_source(conditions, priced=_by_price(query))}"
        f" {_FIRST.get(query.order, '')} LIMIT {MOST_COUNTED + 1})",
        f"page AS (SELECT product_id, score FROM matched {beyond if query.after else ''}"
        " ORDER BY score DESC, product_id DESC LIMIT :limit)",
    ]
    answers = [
        "SELECT 'page' AS kind, '' AS name, product_id::text AS value, '' AS title,"
        " score AS number FROM page",
        "SELECT 'total', '', '', '', count(*) FROM matched",
    ]
    if query.with_facets:
        parts += _attribute_parts(query, conditions)
        parts.append(_PRICES.format(source=_price_source(query, conditions)))
        answers += [_CATEGORIES, _ATTRIBUTES, "SELECT 'price', '', bucket::text, '', n FROM priced"]
    return f"WITH {', '.join(parts)} {' UNION ALL '.join(answers)}"


def _price_source(query: SearchQuery, conditions: Mapping[str, str]) -> str:
    if "price" in conditions:
        return f"{_source(_without(conditions, 'price'), priced=True)} LIMIT {MOST_COUNTED}"
    if _by_price(query):
        return "FROM matched p"
    return "FROM matched JOIN search_prices p USING (product_id) WHERE p.currency = :currency"


def _conditions(query: SearchQuery, *, has_words: bool) -> Mapping[str, str]:
    conditions = {}
    if has_words:
        conditions["words"] = "e.document @@ CAST(:words AS tsquery)"
    if query.category_id:
        conditions["category"] = _IN_CATEGORY
    for number, _ in enumerate(query.attributes):
        conditions[f"attribute{number}"] = f"e.attributes && CAST(:attribute{number} AS text[])"
    if query.least is not None or query.most is not None:
        conditions["price"] = _IN_PRICE
    return conditions


def _by_price(query: SearchQuery) -> bool:
    return query.order in (SearchOrder.CHEAPEST, SearchOrder.DEAREST)


def _without(conditions: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {key: condition for key, condition in conditions.items() if key != name}


def _source(conditions: Mapping[str, str], *, priced: bool) -> str:
    prices = (
        "JOIN search_prices p ON p.product_id = e.product_id AND p.currency = :currency"
        if priced or "price" in conditions
        else ""
    )
    where = f"WHERE {' AND '.join(conditions.values())}" if conditions else ""
    return f"FROM search_entries e {prices} {where}"


def _attribute_parts(query: SearchQuery, conditions: Mapping[str, str]) -> list[str]:
    """
    Count each attribute among what all filters but its own let through: who has chosen red still
    sees how many blue ones there are.
    """
    counts = [
        f"SELECT split_part(pair, '{SEPARATOR}', 1) AS name,"
        f" split_part(pair, '{SEPARATOR}', 2) AS value, n FROM"
        " (SELECT pair, count(*) AS n FROM matched, unnest(attributes) pair GROUP BY pair) c"
        f" WHERE split_part(pair, '{SEPARATOR}', 1) <> ALL(CAST(:filtered AS text[]))"
    ]
    for number, _ in enumerate(query.attributes):
        source = _source(_without(conditions, f"attribute{number}"), priced=_by_price(query))
        counts.append(
            f"SELECT :name{number}, split_part(pair, '{SEPARATOR}', 2), count(*)"
            f" FROM (SELECT e.attributes {source} LIMIT {MOST_COUNTED}) e, unnest(attributes) pair"
            f" WHERE starts_with(pair, :name{number} || '{SEPARATOR}') GROUP BY 2"
        )
    return [f"counted AS ({' UNION ALL '.join(counts)})", _RANKED]


# By name, the most frequent ones first, and by value within each.
_RANKED = """ranked AS (
    SELECT name, value, n, sum(n) OVER (PARTITION BY name) AS all_of_name,
        row_number() OVER (PARTITION BY name ORDER BY n DESC, value) AS place
    FROM counted
), named AS (
    SELECT name, value, n, place,
        dense_rank() OVER (ORDER BY all_of_name DESC, name) AS name_place
    FROM ranked
)"""
_ATTRIBUTES = """
SELECT 'attribute', name, value, value, n FROM named WHERE place <= 20
    AND (name_place <= 10 OR name = ANY(CAST(:filtered AS text[])))
"""
_PRICES = """priced AS (
    SELECT width_bucket(lowest, CAST(:steps AS bigint[])) AS bucket, count(*) AS n
    FROM (SELECT p.lowest {source}) p GROUP BY 1
)"""
# Those just below the category asked for, or the ones at the top; each with all below it.
_CATEGORIES = """
SELECT 'category', '', t.id::text, t.name, c.n FROM (
    SELECT below.path[1 + coalesce(cardinality(asked.path), 0)] AS id,
        count(DISTINCT product_id) AS n
    FROM matched CROSS JOIN unnest(category_ids) AS own(id)
    JOIN categories below ON below.id = own.id
    LEFT JOIN categories asked ON asked.id = CAST(:category AS uuid)
    WHERE asked.path IS NULL OR below.path @> ARRAY[asked.id]
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
) c JOIN categories t ON t.id = c.id
"""


def parameters(query: SearchQuery, *, words: str, currency: str) -> Mapping[str, Any]:
    """
    Return the values for every name that a statement may have.
    """
    given: dict[str, Any] = {
        "words": words,
        "category": query.category_id,
        "currency": currency,
        "least": query.least or 0,
        "most": 2**63 - 1 if query.most is None else query.most,
        "limit": query.page_size + 1,
        "filtered": [name for name, _ in query.attributes],
        "steps": STEPS,
    }
    for number, (name, values) in enumerate(query.attributes):
        given[f"name{number}"] = name
        given[f"attribute{number}"] = [f"{name}{SEPARATOR}{value}" for value in values]
    if query.after:
        given |= {"after_score": query.after.score, "after_id": query.after.product_id}
    return given
