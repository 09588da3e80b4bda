#!/usr/bin/env bash
# A newcomer's walk: what two senders paid leaves a mule's account at once; the alert is seen, worked and proven.
# Needs `risk-platform engine` and `risk-platform api` running, and an Admin with EMAIL and PASSWORD.
set -euo pipefail
service=${SERVICE:-http://127.0.0.1:8000}
api=$service/api/v1
run=$(date +%s)
field() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
post() { curl -sS --fail-with-body "$api/$1" -H "Authorization: Bearer ${token:-}" -H 'Content-Type: application/json' -d "$2"; }
pay() { # pay NAME FROM TO AMOUNT
  post transactions '{"source":"walk","transaction_id":"'"$1-$run"'","event_time":"'"$(date -u +%FT%T.%6NZ)"'","kind":"transfer",
    "customer_id":"'"$2-$run"'","counterparty_id":"'"$3-$run"'","counterparty_type":"person","amount":"'"$4"'","channel":"UPI"}'
}

echo "1. Sign in"
token=$(post auth/login '{"email":"'"$EMAIL"'","password":"'"$PASSWORD"'"}' | field '["access_token"]')

echo "2. Listen: the next alert of the live stream"
heard=$(mktemp)
trap 'rm -f "$heard"' EXIT
risk-platform watch "$EMAIL" --url "$service" --password-stdin --topics alerts --count 1 --json-lines >"$heard" <<<"$PASSWORD" &
watching=$!
until grep -q opened "$heard"; do sleep 0.1; done

echo "3. Two people pay a third, who sends it on at once"
pay rent ASHA MULE 20000.00 >/dev/null
pay loan RAVI MULE 20000.00 >/dev/null
pay onward MULE ELSEWHERE 30000.00
echo

echo "4. The alert arrives on the stream"
wait "$watching"
tail -n 1 "$heard"
alert=$(tail -n 1 "$heard" | field '["data"]["alert_id"]')

echo "5. Acknowledge it, read why, resolve it"
post "alerts/$alert/acknowledge" '{}' | field '["state"]'
post explain/risk '{"transaction_id":"walk:onward-'"$run"'"}' | field '["text"]'
post "alerts/$alert/resolve" '{"is_fraud":true,"note":"a mule"}' | field '["state"]'

echo "6. Prove payment, decision and verdict with the stand-alone verifier"
until curl -sf "$api/audit/proof/walk:onward-$run" -H "Authorization: Bearer $token" >/dev/null; do sleep 0.5; done
risk-platform audit export "evidence-$run" --record "walk:onward-$run" >/dev/null
python3 "evidence-$run/verify.py" "evidence-$run"
curl -sf "$api/audit/logs?limit=5" -H "Authorization: Bearer $token" | field '["items"][0]["entry"]'
