"""The audit log over HTTP: decisions are proven against signed heads, actions of people stand in it."""

import time

from risk_platform.audit.proofs import includes
from risk_platform.audit.tree import leaf_hash
from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import Site, recent

_HEAD_SECONDS = 60


def test_a_payment_is_proven_against_a_signed_head(running: Site) -> None:
    running.client(Role.SERVICE).post("/api/v1/transactions", json=recent(3_000))
    client, deadline = running.client(Role.COMPLIANCE), time.monotonic() + _HEAD_SECONDS
    while (answer := client.get("/api/v1/audit/proof/upi:T3000")).status_code == 422:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    assert answer.status_code == 200
    told = answer.json()
    leaf, head = told["leaf"], told["head"]
    path = [bytes.fromhex(digest) for digest in leaf["path"]]
    digest = leaf_hash(leaf["entry"].encode())
    assert includes(bytes.fromhex(head["root"]), head["size"], leaf["position"], digest, path)
    assert '"transaction_id":"T3000"' in told["record"]["body"]
    assert client.get("/api/v1/audit/proof/upi:none").status_code == 404


def test_actions_of_people_stand_in_the_log_without_their_names(running: Site) -> None:
    admin = running.client(Role.ADMIN)
    me = admin.get("/api/v1/auth/me").json()
    found, params = [], {"limit": "100"}
    while True:
        page = admin.get("/api/v1/audit/logs", params=params).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    positions = [item["position"] for item in found]
    assert positions == list(range(len(found) - 1, -1, -1))
    entries = [item["entry"] for item in found]
    added = [each["subject"] for each in entries if each.get("action") == "user_added"]
    assert me["user_id"] in added
    assert any(each.get("action") == "signed_in" and each["actor"] == me["user_id"] for each in entries)
    assert not any(me["email"] in str(each) for each in entries)
