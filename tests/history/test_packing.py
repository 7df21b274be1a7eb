"""Long texts and the seconds of rules come back as they were; what is damaged is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.history import packing
from pytest_tgintegrity.history.packing import DAMAGE, LONG, pack_seconds, packed, unpack_seconds, unpacked


@given(st.text(max_size=20), st.sampled_from([1, LONG]))
def test_a_text_comes_back_however_long(text: str, times: int) -> None:
    text = "{" + text * times
    assert unpacked(packed(text)) == text


def test_what_is_short_can_be_read_with_any_client() -> None:
    assert packed('{"a":1}') == b'{"a":1}'
    assert len(packed("{" + "a" * LONG)) < 50


@pytest.mark.parametrize("data", [b"x", b"xyz", zlib.compress(b"a" * LONG)[:-1], zlib.compress(b"\xff"), b"\xff"])
def test_damaged_text_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is, it is not ours
        unpacked(data)


def test_nothing_is_blown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LARGEST", 10_000)
    with pytest.raises(ValueError, match="too long"):
        unpacked(zlib.compress(b"a" * 10_001))


def test_seconds_of_thousands_of_rules_are_small_beside_their_names() -> None:
    seconds = {f"integrity_tests/test_area_{n % 40}.py::test_rule[{n}]": n / 10_000 for n in range(4_000)}
    kept = pack_seconds(seconds)
    assert unpack_seconds(kept.rules, kept.taken) == seconds
    assert len(kept.taken) < len(kept.rules) < 30_000
    assert pack_seconds(dict.fromkeys(seconds, 1.0)).name == kept.name
    assert pack_seconds({**seconds, "another": 1.0}).name != kept.name


@pytest.mark.parametrize("taken", [b"", b"[1]", b"[1,null]", b"{}", b"3", b"[" * 100_000])
def test_numbers_that_are_not_those_of_the_rules_are_refused(taken: bytes) -> None:
    with pytest.raises(DAMAGE):
        unpack_seconds(b'["a","b"]', taken)
