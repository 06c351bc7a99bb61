"""How often something goes wrong that was commanded to."""

from deploy.psp.faults import FLAWS, Fault, Faults, Occasion

CAPTURE = Occasion("main", "capture")


def test_a_rule_strikes_the_next_so_many_times():
    faults = Faults(seed=1)
    faults.add(Fault(kind="decline", verbs=("capture",), next=2))

    struck = [len(faults.strike(CAPTURE, FLAWS)) for _ in range(4)]

    assert struck == [1, 1, 0, 0]
    assert faults.rules == []


def test_a_rule_is_for_its_verb_account_and_event():
    faults = Faults(seed=1)
    faults.add(Fault(kind="lost", verbs=("webhook",), events=("refund.created",)))
    faults.add(Fault(kind="decline", accounts=("second",)))

    assert not faults.strike(CAPTURE, FLAWS)
    assert not faults.strike(Occasion("main", "webhook", "refund.failed"), ("lost",))
    assert faults.strike(Occasion("main", "webhook", "refund.created"), ("lost",))
    assert faults.strike(Occasion("second", "refund"), FLAWS)


def test_chance_follows_the_seed():
    def strikes(seed):
        faults = Faults(seed)
        faults.add(Fault(kind="decline", probability=0.5))
        return [len(faults.strike(CAPTURE, FLAWS)) for _ in range(100)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 30 < sum(strikes(1)) < 70


def test_flaws_are_what_the_rules_say():
    faults = Faults(seed=1)
    faults.add(Fault(kind="wrong_amount", steps=3))
    faults.add(Fault(kind="refund_fails_later", ms=500))

    flaws = faults.flaws(CAPTURE)

    assert (flaws.steps, flaws.fails_seconds, flaws.pending_seconds) == (3, 0.5, None)
