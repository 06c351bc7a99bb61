"""The bench of payments, on servers of its own: so small that its figures mean nothing."""

import json


async def test_payments_bookings_and_reading_are_measured_beside_their_limits(local):
    options = ("--payments", "100", "--entries", "3000", "--rounds", "1", "--seconds", "1")
    code, output = await local("bench-payment", "--json", *options)

    assert code == 0, output
    figures = json.loads(output)
    for asked in figures["payments"].values():
        assert all(asked[limit] > 0 for limit in ("echo", "psp", "rows"))
        for done in (asked["authorized"], asked["captured"]):
            assert done["per_second"] > 0
            assert done["work"]["statements"]["payment"] > 0
            assert done["work"]["cpu_ms"]["psp"] > 0
    assert [*figures["booking"]] == ["1 a transaction, 16 at once", "100 a transaction, 2 at once"]
    for booked in figures["booking"].values():
        assert booked["ours"] > 0
        assert booked["rows"] > 0
    assert len(figures["reading"]) == 4
    for read in figures["reading"].values():
        assert read["few"] > 0
        assert read["many"] > 0
