"""Files of rules and probes, as their authors write them."""

from __future__ import annotations

PROBES = """
from pytest_tgintegrity import probe

@probe("items by name")
def items_by_name(db):
    db.execute("SELECT * FROM item ORDER BY name").fetchall()
"""


BROKEN = """
from pytest_tgintegrity import probe

@probe("nothing there")
def nothing_there(db):
    db.execute("SELECT * FROM absent")
"""


SPENDS = """
from pytest_tgintegrity import probe

@probe("spend", writes=True)
def spend(db):
    db.execute("UPDATE item SET size = size - 1 WHERE id = 7")
    db.execute("INSERT INTO item VALUES (%s, 0, 'new')", [99])
"""


MORE = """
@rule.metric("sizes", "SELECT avg(size) FROM item", at_least=100)
def test_metric(violations):
    \"\"\"Items are large.\"\"\"
    assert not violations

@rule.metric("by_parity", "SELECT size % 2, count(*) FROM item GROUP BY 1")
def test_labelled(violations):
    \"\"\"It only reports.\"\"\"
    assert not violations

@rule.query("SELECT size, now()::date AS today FROM item WHERE size > 18", severity="info", tags=["big"])
def test_query(violations):
    \"\"\"There are big ones.\"\"\"
    assert not violations

@rule.rows(Source("pairs", "pair p", key=["p.a", "p.b"], label="p.word"), "p.amount > 1", show=["p.amount", "p.day"],
           enforced_by="pair_amount", fix={"p.amount": "1"}, severity="critical")
def test_composite(violations):
    \"\"\"Amounts are at most one.\"\"\"
    assert not violations

@rule.between("nothing", "size", 1, 2)
def test_vacuous(violations):
    \"\"\"There is nothing to look at.\"\"\"
    assert not violations
"""


PAIRS = """
CREATE TABLE pair (a int, b text, word text, amount numeric, day date, PRIMARY KEY (a, b));
INSERT INTO pair VALUES (2, 'x', 'two', 7.50, '0044-03-15 BC'), (1, 'y', NULL, 9.99999999999999999999, 'infinity'),
                        (1, 'x', 'ONE', 2, NULL), (3, 'z', 'three', 1, NULL);
"""
