import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local import webhooks
from deploy.local.errors import CommandFailed
from services.payment.adapters.chargebacks import listing
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.chargebacks.list_chargebacks import list_chargebacks
from services.payment.application.chargebacks.ports import ChargebackQuery
from services.payment.application.webhooks.forget_psp_events import forget_psp_events
from services.payment.application.webhooks.note_psp_facts import note_psp_facts
from services.payment.application.webhooks.ports import Outcome
from services.payment.application.webhooks.read_backlog import read_backlog
from services.payment.application.webhooks.receive_psp_events import receive_psp_events
from services.payment.domain.chargeback import chargeback_of
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargebackState,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.values import (
    MAIN_MERCHANT,
    Approved,
    ChargebackId,
    PaymentId,
    PspAccount,
    PspReference,
    TransactionKind,
    transaction_id_of,
)
from tests.integration.counting import counted
from tests.unit.payment.facts import chargeback
from tests.unit.payment.told import Telling

MAIN = PspAccount("main")
MANY_CHARGEBACKS = text(
    """
    INSERT INTO chargebacks (id, payment_id, merchant, account, amount, currency, reason, state,
        opened_at, evidence_due_at, fingerprint)
    SELECT 'dp_' || n, :payment_id, 'main', 'main', 1, 'EUR', '',
        (ARRAY['NEEDS_RESPONSE', 'LOST', 'WON', 'LOST'])[n % 4 + 1],
        now(), now() + n * interval '1 s', ''
    FROM generate_series(1, 5000) AS n
    """
)
EVENTS = text("SELECT id, state, payload, reason, attempts, due_at FROM psp_events ORDER BY id")


class Replica:
    """
    A payment service that hears webhooks and works them off; how to read them is the test's.
    """

    def __init__(self, database, telling):
        self.database = database
        self.telling = telling
        self.uow = sql_unit_of_work(database, told=Wake(), clock=system_clock)
        self.now = None

    def clock(self):
        return self.now or system_clock()

    async def receive(self, *events):
        return await receive_psp_events(events, uow=self.uow)

    async def work_off(self, *, limit=200):
        worked_off = await note_psp_facts(
            uow=self.uow, facts_of=self.telling.facts_of, clock=self.clock, limit=limit
        )
        return [each.outcome for each in worked_off]

    async def tell(self, *facts, **details):
        await self.receive(self.event(*facts, **details))
        return await self.work_off()

    def event(self, *facts, **details):
        return self.telling.event(*facts, now=self.clock(), **{"account": MAIN, **details})

    async def rows(self, statement):
        async with self.database.begin() as tx:
            return await tx.rows(statement)


@pytest.fixture
async def replicas(payments, migrated):
    assert payments  # it has emptied the database
    urls, telling = await migrated("payment"), Telling()
    databases = [connect(urls.app, application=f"webhooks-{n}") for n in range(2)]
    yield [Replica(database, telling) for database in databases]
    for database in databases:
        await database.close()


@pytest.fixture
def replica(replicas):
    return replicas[0]


@pytest.fixture
async def captured(payments, payment_id):
    await payments.authorize(payment_id)
    await payments.capture(payment_id, 60_00)
    return await payments.get(payment_id)


def capture_told(payment):
    capture = next(
        each for each in payment.transactions.values() if each.kind is TransactionKind.CAPTURE
    )
    answer = Approved(capture.reference, capture.amount)
    return TransactionSettled(payment_id=payment.id, transaction_id=capture.id, answer=answer)


async def test_an_event_is_kept_until_it_is_worked_off_and_then_its_name(replica):
    assert await replica.receive(replica.event(id_="evt_1")) == [True]

    (row,) = await replica.rows(EVENTS)
    assert (row.state, row.payload) == ("RECEIVED", "evt_1")

    assert await replica.work_off() == [Outcome.IGNORED]

    (row,) = await replica.rows(EVENTS)
    assert (row.state, row.payload) == ("DONE", None)


async def test_the_name_of_an_event_is_known_when_it_comes_again(replica, replicas):
    event = replica.event(id_="evt_1")
    await replica.receive(event)
    await replica.work_off()

    assert await replicas[1].receive(event) == [False]
    assert await replicas[1].work_off() == []


async def test_two_replicas_that_hear_the_same_at_once_keep_it_once(replicas):
    events = [replicas[0].event(id_=f"evt_{n}") for n in range(200)]

    heard = await asyncio.gather(
        *(each.receive(*order) for each in replicas for order in (events, events[::-1]))
    )

    # Each was news to one of the four.
    news = [sum(of_event) for of_event in zip(*_in_order(heard), strict=True)]
    assert news == [1] * 200
    assert len(await replicas[0].rows(EVENTS)) == 200


def _in_order(heard):
    return [said if place % 2 == 0 else said[::-1] for place, said in enumerate(heard)]


async def test_without_the_table_against_replays_it_would_be_kept_twice(replicas, owner):
    # The mistake that the test above is there to catch.
    async with owner.begin() as tx:
        await tx.run(text("ALTER TABLE psp_events DROP CONSTRAINT pk_psp_events"))
    try:
        event = replicas[0].event(id_="evt_1")
        heard = await asyncio.gather(*(each.receive(event) for each in replicas))
        assert heard == [[True], [True]]
    finally:
        async with owner.begin() as tx:
            await tx.run(text("DELETE FROM psp_events"))
            await tx.run(
                text(
                    "ALTER TABLE psp_events ADD CONSTRAINT pk_psp_events PRIMARY KEY (account, id)"
                )
            )


async def test_an_event_is_worked_off_by_one_replica(payments, replicas):
    ids = [PaymentId(new_id()) for _ in range(100)]
    await payments.authorize(*ids)
    for each in ids:
        await replicas[0].receive(replicas[0].event(AuthorizationLost(payment_id=each)))

    outcomes = await asyncio.gather(
        *(replica.work_off(limit=10) for replica in replicas for _ in range(10))
    )
    while len(rest := await replicas[0].work_off()):
        outcomes.append(rest)

    assert [each for batch in outcomes for each in batch] == [Outcome.NOTED] * 100
    assert {row.attempts for row in await replicas[0].rows(EVENTS)} == {1}


async def test_a_process_that_dies_before_the_effect_leaves_the_event(payments, replica, captured):
    lost = AuthorizationLost(payment_id=captured.id)
    await replica.receive(replica.event(lost))

    begin = replica.uow
    replica.uow = dying_at_commit(begin)
    with pytest.raises(SystemExit):
        await replica.work_off()
    assert not (await payments.get(captured.id)).expired
    (row,) = await replica.rows(EVENTS)
    assert (row.state, row.attempts) == ("RECEIVED", 0)

    replica.uow = begin
    assert await replica.work_off() == [Outcome.NOTED]
    assert (await payments.get(captured.id)).expired


def dying_at_commit(begin):
    @asynccontextmanager
    async def uow():
        async with begin() as tx:
            yield tx
            raise SystemExit

    return uow


async def test_the_answer_and_the_webhook_at_once_are_booked_once(payments, replicas, payment_id):
    await payments.authorize(payment_id)
    captures = [payments.capture(payment_id, 1_00) for _ in range(20)]
    pending = [asyncio.create_task(capture) for capture in captures]
    told = set()
    while not all(task.done() for task in pending):
        payment = await payments.get(payment_id)
        for each in payment.transactions.values():
            if each.kind is TransactionKind.CAPTURE and each.id not in told:
                told.add(each.id)
                fact = TransactionSettled(
                    payment_id=payment_id,
                    transaction_id=each.id,
                    answer=Approved(PspReference("psp"), each.amount),
                )
                await asyncio.gather(*(replica.tell(fact) for replica in replicas))
    await asyncio.gather(*pending)

    payment = await payments.get(payment_id)
    assert payment.settled(TransactionKind.CAPTURE) == Money(20_00, "EUR")
    booked = await payments.rows(text("SELECT cause_id, kind FROM ledger_entries"))
    assert len(booked) == len(set(booked)) == 20


async def test_all_kinds_of_facts_are_noted_together(payments, replica, captured):
    reference = captured.psp_reference
    refund = RefundedElsewhere(
        authorization=reference, refund=PspReference("re_1"), amount=Money(1_00, "EUR")
    )
    dispute = chargeback(Money(59_00, "EUR"), authorization=reference)
    facts = [capture_told(captured), refund, dispute, AuthorizationLost(payment_id=captured.id)]

    assert await replica.tell(*facts) == [Outcome.NOTED]
    assert await replica.tell(*facts) == [Outcome.NOTED]

    payment = await payments.get(captured.id)
    assert payment.settled(TransactionKind.REFUND) == Money(1_00, "EUR")
    assert payment.settled(TransactionKind.CHARGEBACK) == Money(59_00, "EUR")
    assert payment.expired
    kinds = await payments.rows(text("SELECT kind FROM ledger_entries ORDER BY kind"))
    assert [row.kind for row in kinds] == ["CAPTURE", "CHARGEBACK", "REFUND"]


async def test_what_it_costs_does_not_depend_on_how_many_there_are(payments, replica):
    async def statements_for(count):
        ids = [PaymentId(new_id()) for _ in range(count)]
        await payments.authorize(*ids)
        for each in ids:
            answer = Approved(PspReference(f"psp_{each}"), Money(100_00, "EUR"))
            key = transaction_id_of(each, TransactionKind.AUTHORIZATION)
            settled = TransactionSettled(payment_id=each, transaction_id=key, answer=answer)
            await replica.receive(replica.event(settled))
        with counted(replica.database) as statements:
            assert await replica.work_off() == [Outcome.NOTED] * count
        return len(statements)

    # Claim, lock, read, write: what most webhooks tell is known already.
    assert await statements_for(1) == 4
    assert await statements_for(200) == 4


async def test_news_cost_no_more_statements_for_two_hundred_than_for_one(payments, replica):
    async def statements_for(count):
        ids = [PaymentId(new_id()) for _ in range(count)]
        await payments.authorize(*ids)
        references = {}
        for each in ids:
            await payments.capture(each, 60_00)
            references[each] = (await payments.get(each)).psp_reference
        for each, reference in references.items():
            dispute = chargeback(Money(60_00, "EUR"), id_=f"dp_{each}", authorization=reference)
            await replica.receive(replica.event(dispute))
        with counted(replica.database) as statements:
            assert await replica.work_off() == [Outcome.NOTED] * count
        return len(statements)

    few = await statements_for(2)
    assert await statements_for(20) == few
    assert few <= 10


async def test_events_are_received_in_one_statement(replica):
    events = [replica.event() for _ in range(200)]

    with counted(replica.database) as statements:
        await replica.receive(*events)

    assert len(statements) == 1


async def test_an_event_that_the_database_refuses_does_not_hold_up_the_others(
    payments, replica, captured
):
    # More than bigint holds; the domain knows no such limit.
    huge = chargeback(Money(2**63, "EUR"), authorization=captured.psp_reference)
    await replica.receive(
        replica.event(huge, id_="evt_bad"),
        replica.event(AuthorizationLost(payment_id=captured.id), id_="evt_good"),
    )

    assert sorted(await replica.work_off()) == [Outcome.NOTED, Outcome.WAITING]

    bad, good = await replica.rows(EVENTS)
    assert (bad.state, bad.payload, bad.attempts) == ("RECEIVED", "evt_bad", 1)
    assert bad.reason
    assert good.state == "DONE"
    assert (await payments.get(captured.id)).expired


async def test_what_failed_stays_with_its_reason_and_is_seen(replica):
    refund = RefundedElsewhere(
        authorization=PspReference("pi_0"), refund=PspReference("re_1"), amount=Money(1, "EUR")
    )
    replica.now = datetime(2026, 1, 1, tzinfo=UTC)
    assert await replica.tell(refund) == [Outcome.WAITING]
    replica.now += timedelta(hours=23)
    assert (await read_backlog(uow=replica.uow, clock=replica.clock)).oldest_seconds == 23 * 3600
    replica.now += timedelta(hours=1)
    assert await replica.work_off() == [Outcome.FAILED]

    (row,) = await replica.rows(EVENTS)
    assert (row.state, row.reason) == ("FAILED", "no payment is known as pi_0")
    backlog = await read_backlog(uow=replica.uow, clock=replica.clock)
    assert (backlog.waiting, backlog.oldest_seconds, backlog.failed) == (0, 0.0, 1)


async def test_people_see_what_failed_and_try_it_again_or_let_it_be(replica, capsys):
    refund = RefundedElsewhere(
        authorization=PspReference("pi_0"), refund=PspReference("re_1"), amount=Money(1, "EUR")
    )
    replica.now = datetime(2026, 1, 1, tzinfo=UTC)
    await replica.receive(replica.event(refund, id_="evt_1"))
    replica.now += timedelta(days=1)
    await replica.work_off()

    await webhooks.show(replica.database, as_json=False)
    assert "no payment is known as pi_0" in capsys.readouterr().out
    await webhooks.show(replica.database, as_json=True)
    assert orjson.loads(capsys.readouterr().out)["webhooks"][0]["id"] == "evt_1"

    replica.now = None
    await webhooks.act(replica.database, "retry", "evt_1")
    assert await replica.work_off() == [Outcome.FAILED]
    await webhooks.act(replica.database, "discard", "evt_1")
    (row,) = await replica.rows(EVENTS)
    assert (row.state, row.payload) == ("DONE", None)
    for action in ("retry", "discard"):
        with pytest.raises(CommandFailed, match="evt_1"):
            await webhooks.act(replica.database, action, "evt_1")


async def test_old_events_are_forgotten_and_cost_nothing_before(replica):
    replica.now = datetime(2026, 1, 1, tzinfo=UTC)
    await replica.tell()
    replica.now += timedelta(days=1)
    await replica.tell()

    async def forget():
        return await forget_psp_events(uow=replica.uow, clock=replica.clock, kept_days=30)

    replica.now += timedelta(days=29)
    assert await forget() is False
    assert len(await replica.rows(EVENTS)) == 2
    replica.now += timedelta(hours=1)
    assert await forget() is False
    assert len(await replica.rows(EVENTS)) == 1


@pytest.mark.parametrize("index", ["waiting", "done", "failed"])
async def test_what_is_looked_for_is_found_by_an_index(replica, index):
    queries = {
        "waiting": "SELECT * FROM psp_events WHERE state = 'RECEIVED' AND due_at <= now()"
        " ORDER BY due_at LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED",
        "done": "SELECT account, id FROM psp_events WHERE state = 'DONE' AND received_at < now()"
        " ORDER BY received_at LIMIT 1000",
        "failed": "SELECT count(*) FROM psp_events WHERE state = 'FAILED'",
    }

    plan = await replica.rows(text(f"EXPLAIN {queries[index]}"))

    assert f"ix_psp_events_{index}" in str(plan)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ChargebackQuery(limit=100), "ix_chargebacks_open"),
        (ChargebackQuery(limit=100, after=(None, ChargebackId("dp"))), "ix_chargebacks_open"),
        (ChargebackQuery(limit=100, state=ChargebackState.LOST), "ix_chargebacks_state"),
    ],
)
async def test_a_page_of_chargebacks_is_read_from_an_index_in_order(
    payments, replica, owner, payment_id, query, index
):
    await payments.authorize(payment_id)
    async with owner.begin() as tx:
        await tx.run(MANY_CHARGEBACKS, {"payment_id": payment_id})
        await tx.run(text("ANALYZE chargebacks"))
    statement, parameters = listing(query)

    async with replica.database.begin() as tx:
        plan = str(await tx.rows(text(f"EXPLAIN {statement.text}"), parameters))

    assert index in plan
    assert "Sort" not in plan


async def test_chargebacks_are_listed_page_by_page_those_due_first(payments, replica, payment_id):
    await payments.authorize(payment_id)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    async with replica.uow() as tx:
        made = []
        for number in range(30):
            fact = chargeback(Money(1, "EUR"), id_=f"dp_{number:02}")
            each = chargeback_of(fact, payment_id=payment_id, merchant=MAIN_MERCHANT, account=MAIN)
            # Some at the same moment, some never.
            each.evidence_due_at = None if number % 5 == 0 else began + timedelta(days=number % 3)
            if number % 7 == 0:
                each.state = ChargebackState.WON
            made.append(each)
        await tx.chargebacks.save(made)

    async def ids_of(state, page):
        found, after = [], None
        while True:
            query = ChargebackQuery(state=state, payment_id=payment_id, after=after, limit=page)
            chargebacks, more = await list_chargebacks(query, uow=replica.uow)
            found += [each.id for each in chargebacks]
            if not more:
                return found
            after = chargebacks[-1].evidence_due_at, chargebacks[-1].id

    never = datetime.max.replace(tzinfo=UTC)
    in_order = sorted(made, key=lambda each: (each.evidence_due_at or never, each.id))
    for state in (None, ChargebackState.WON, ChargebackState.LOST):
        states = {state} if state else {ChargebackState.NEEDS_RESPONSE}
        wanted = [each.id for each in in_order if each.state in states]
        for page in (1, 4, 1_000):
            assert await ids_of(state, page) == wanted
