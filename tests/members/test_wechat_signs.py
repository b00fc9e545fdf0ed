"""What a browser carries through WeChat counts for that browser, that member and ten minutes, and for nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.members.wechat import WechatAccount
from duoline.members.wechat_signs import LASTS, NONCE, begun, fresh_nonce, proof_of, proved, state_of

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SECRET = "s" * 32
ME, OTHER = UUID(int=1), UUID(int=2)
nonces = st.binary(min_size=1, max_size=40).map(lambda raw: fresh_nonce(raw, secret=SECRET))
accounts = st.builds(
    WechatAccount, st.none() | st.text(min_size=1, max_size=40), st.none() | st.text(min_size=1, max_size=40)
)
ON_TIME = st.integers(0, int(LASTS.total_seconds()))


@given(nonces, st.sampled_from(["inside", "outside"]), st.sampled_from([None, ME]), ON_TIME)
def test_a_state_comes_back_and_is_what_wechat_takes(nonce, place, member_id, later_s):
    state = state_of(place, nonce=nonce, member_id=member_id, now=NOW, secret=SECRET)
    assert re.fullmatch("[A-Za-z0-9]{1,128}", state)
    assert NONCE.fullmatch(nonce)
    then = NOW + timedelta(seconds=later_s)
    assert begun(state, nonce=nonce, member_id=member_id, now=then, secret=SECRET) == place


@given(nonces, nonces)
def test_a_state_is_nothing_elsewhere(nonce, other):
    state = state_of("inside", nonce=nonce, member_id=None, now=NOW, secret=SECRET)
    right = {"nonce": nonce, "member_id": None, "now": NOW, "secret": SECRET}
    wrong = [{"member_id": ME}, {"now": NOW + LASTS + timedelta(seconds=1)}, {"secret": "t" * 32}]
    wrong += [{"nonce": other}] if other != nonce else []
    for each in wrong:
        assert begun(state, **(right | each)) is None
    linking = state_of("inside", nonce=nonce, member_id=ME, now=NOW, secret=SECRET)
    assert begun(linking, **right) is None
    assert begun(linking, **(right | {"member_id": OTHER})) is None


@given(st.text(max_size=130))
def test_no_other_text_is_a_state_or_a_proof(text):
    assert begun(text, nonce="n", member_id=None, now=NOW, secret=SECRET) is None
    assert proved(text, nonce="n", now=NOW, secret=SECRET) is None


@given(nonces, st.integers(0, 200))
def test_one_changed_sign_makes_a_state_none(nonce, at):
    state = state_of("outside", nonce=nonce, member_id=None, now=NOW, secret=SECRET)
    at %= len(state)
    changed = state[:at] + ("0" if state[at] != "0" else "1") + state[at + 1 :]
    assert begun(changed, nonce=nonce, member_id=None, now=NOW, secret=SECRET) is None


@given(nonces, accounts, ON_TIME)
def test_a_proof_says_whose_account_it_is_to_its_own_browser_in_time(nonce, account, later_s):
    proof = proof_of(account, nonce=nonce, now=NOW, secret=SECRET)
    then = NOW + timedelta(seconds=later_s)
    assert proved(proof, nonce=nonce, now=then, secret=SECRET) == account
    assert proved(proof, nonce=nonce + "x", now=then, secret=SECRET) is None
    assert proved(proof, nonce=nonce, now=NOW + LASTS + timedelta(seconds=1), secret=SECRET) is None
    assert proved(proof, nonce=nonce, now=then, secret="t" * 32) is None


@given(nonces, accounts, accounts)
def test_the_digest_of_one_proof_proves_no_other(nonce, one, other):
    mine, theirs = (proof_of(each, nonce=nonce, now=NOW, secret=SECRET) for each in (one, other))
    swapped = f"{theirs.partition('.')[0]}.{mine.partition('.')[2]}"
    assert proved(swapped, nonce=nonce, now=NOW, secret=SECRET) in ((other,) if one == other else (None,))


def test_a_state_is_no_proof_and_a_proof_no_state():
    state = state_of("inside", nonce="n", member_id=None, now=NOW, secret=SECRET)
    assert proved(state, nonce="n", now=NOW, secret=SECRET) is None
    proof = proof_of(WechatAccount("u", "o"), nonce="n", now=NOW, secret=SECRET)
    assert begun(proof, nonce="n", member_id=None, now=NOW, secret=SECRET) is None


@pytest.mark.parametrize("proof", [".", "..", "é.é", "W10.", "." + "A" * 32])
def test_broken_proofs_are_none(proof):
    assert proved(proof, nonce="n", now=NOW, secret=SECRET) is None
