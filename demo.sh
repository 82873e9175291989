#!/usr/bin/env bash
# ./demo.sh: two organisations, an analyst and an operator whom nobody trusts. A hospital holds diagnoses, a laboratory the
# measurements of the same 569 patients (Breast Cancer Wisconsin, UCI, CC BY 4.0). They agree on one joined, grouped query over
# encrypted tables, get its result with a receipt that a separate process verifies offline, and three attacks are refused.
# Installs what is missing on Debian 12, builds, and runs; a second run is quick. Leaves nothing running.
# ./demo.sh --built TREE runs with the programs of a build tree as they are; the test of this name does.
set -euo pipefail

REDOUBT_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$REDOUBT_ROOT"
source tools/build_env.sh

tree="$REDOUBT_ROOT/build/release"
case "${1:-}" in
  "")
    step "setting up"
    tools/setup core
    options=()
    [[ -f build/release/CMakeCache.txt ]] || options=(-DREDOUBT_TESTS=OFF)
    build release "${options[@]}" -- redoubt redoubt-hub redoubt-cleanroom redoubt-cleanroom-engine redoubt-demo-attack ;;
  --built) tree="${2:?demo: --built needs a build tree}" ;;
  *) sed -n '2,7s/^# //p' "$0" >&2; exit 2 ;;
esac

bin="$tree/bin"
work="$(mktemp -d "${TMPDIR:-/tmp}/redoubt-demo.XXXXXX")"
hub_pid=""
finish() {
  local status=$?
  [[ -z "$hub_pid" ]] || { kill "$hub_pid" 2>/dev/null && wait "$hub_pid" 2>/dev/null; } || true
  if ((status != 0)); then
    echo "demo: failed; the hub's last words:" >&2
    tail -n 20 "$work/hub.log" >&2 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

# as NAME COMMAND...: the redoubt command of one participant, with its own folder of keys and state.
as() {
  local who="$1"
  shift
  "$bin/redoubt" --config "$work/$who" "$@"
}
say() { printf '\n== %s\n' "$*"; }

say "the operator starts a hub (not trusted by anyone)"
"$bin/redoubt" up --state "$work/hub" --listen 127.0.0.1:0 >"$work/hub.log" 2>&1 &
hub_pid=$!
for _ in $(seq 300); do
  address="$(sed -n 's/^listening on //p' "$work/hub.log" | head -n 1)"
  [[ -n "$address" && -s "$work/hub/admin.key" && -s "$work/hub/hub.pin" ]] && break
  kill -0 "$hub_pid" 2>/dev/null || exit 1
  sleep 0.1
done
echo "hub at https://$address, software TPM, state in one folder"

say "three participants make their keys, and exchange the public ones"
for who in hospital laboratory analyst; do
  as "$who" key new "$who" --no-recovery --public "$work/$who.pub" >/dev/null
  as "$who" context set demo --hub "https://$address" --pin "$(<"$work/hub/hub.pin")" --key-file "$work/hub/admin.key" >/dev/null
  echo "$who: $(sed -n 's/.*"signing_key": *"\([0-9a-f]*\)".*/\1/p' "$work/$who.pub")"
done

say "the analyst writes the contract: who, by which keys, which program, k = 10, all must approve"
as analyst evidence measure "$bin/redoubt-cleanroom" -o json >"$work/program.json"
cp "$work/hub/tpm-ca/swtpm-localca-rootca-cert.pem" "$work/tpm-root.pem"  # the root of this machine's software TPMs
as analyst environment create study --k 10 --yes \
  --participant hospital="$work/hospital.pub:votes" --participant laboratory="$work/laboratory.pub:votes" \
  --participant analyst="$work/analyst.pub" \
  --program "$work/program.json" --tpm-root "$work/tpm-root.pem" \
  --accept-host-asserted --accept-software-tpm --contract-out "$work/contract.json"

say "attack 1: a room whose contract lists the operator's own key in the hospital's name"
as operator key new hospital --no-recovery --public "$work/operator.pub" >/dev/null
as operator context set demo --hub "https://$address" --pin "$(<"$work/hub/hub.pin")" --key-file "$work/hub/admin.key" >/dev/null
as accomplice key new analyst --no-recovery --public "$work/accomplice.pub" >/dev/null
as accomplice context set demo --hub "https://$address" --pin "$(<"$work/hub/hub.pin")" --key-file "$work/hub/admin.key" >/dev/null
as accomplice environment create trap --k 10 --yes \
  --participant hospital="$work/operator.pub:votes" --participant laboratory="$work/laboratory.pub:votes" \
  --participant analyst="$work/accomplice.pub" --program "$work/program.json" \
  --tpm-root "$work/tpm-root.pem" --accept-host-asserted --accept-software-tpm \
  --contract-out "$work/trap.json" >/dev/null 2>&1
if as hospital environment verify trap --contract "$work/trap.json" --yes >"$work/out" 2>&1; then
  echo "   ACCEPTED: the attack worked"
  exit 1
fi
sed 's/^/   the hospital: /' "$work/out"
if as laboratory environment verify trap --contract "$work/trap.json" --participant hospital="$work/hospital.pub" --yes >"$work/out" 2>&1; then
  echo "   ACCEPTED: the attack worked"
  exit 1
fi
sed 's/^/   the laboratory: /' "$work/out"

say "each participant verifies the enclave program against its own copy of the contract, and joins"
as hospital environment verify study --contract "$work/contract.json" --wait 60 --yes
for who in laboratory analyst; do
  as "$who" environment verify study --contract "$work/contract.json" --wait 60 --yes >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
  tail -n 1 "$work/out"
done

# The kernel cuts names to 15 characters.
resident="$(for status in /proc/[0-9]*/status; do
  awk -v hub="$hub_pid" '/^Name:/ { name = $2 } /^PPid:/ { parent = $2 } /^VmRSS:/ { kib = $2 }
    END { if (name == "redoubt-cleanro" && parent == hub) print kib }' "$status" 2>/dev/null
done | head -n 1)"
echo "the enclave program at rest: $((resident / 1024)) MiB resident"

say "the owners seal their tables: ciphertext to the hub, keys to the attested program only"
for who in hospital laboratory; do
  awk -v part="$who" -f demo/split.awk demo/data/wdbc.csv >"$work/$who.csv"
  as "$who" dataset put "$who" -e study --file "$work/$who.csv" --schema "demo/$who.json"
  as "$who" dataset release "$who" -e study
done

say "the analyst proposes a joined, grouped query"
cat >"$work/query.sql" <<'SQL'
SELECT h.diagnosis, count(*) AS patients, avg(l.radius_mean) AS mean_radius, avg(l.concavity_worst) AS worst_concavity
FROM hospital h JOIN laboratory l ON h.patient_id = l.patient_id
GROUP BY h.diagnosis
ORDER BY h.diagnosis
SQL
cat "$work/query.sql"
as analyst query submit -e study --sql-file "$work/query.sql" --recipient analyst --recipient hospital --recipient laboratory -o json >"$work/submitted.json"
query="$(sed -n 's/^  "query": "\([0-9a-f]*\)".*/\1/p' "$work/submitted.json")"
as analyst query show "$query" -e study -o json >"$work/proposal.json"
# Where the operator finds the room's local door: under the first digits of the digest of the environment's id, which is its folder's name.
for folder in "$work"/hub/env/*; do
  if [[ "$(<"$folder/contract.json")" == "$(<"$work/contract.json")" ]]; then environment="$(basename "$folder")"; fi
done
door="$work/hub/run/$(printf '%s' "$environment" | sha256sum | cut -c1-16).host"

say "attack 2: the hub forges the hospital's approval"
"$tree/demo/redoubt-demo-attack" forge-ballot "$door" "$work/proposal.json" hospital

say "hospital and laboratory read the text, check the log, and approve"
as hospital query approve "$query" -e study --yes
as laboratory query approve "$query" -e study --yes >/dev/null
echo "laboratory: approved"

say "attack 3: the query is changed after approval"
"$tree/demo/redoubt-demo-attack" change-query "$door" "$work/proposal.json" hospital

say "the result, opened by the analyst"
as analyst result get "$query" -e study --wait 60 --receipt "$work/receipt.json"

say "the receipt, verified offline by the laboratory in a process of its own"
kill "$hub_pid" && wait "$hub_pid" 2>/dev/null || true
hub_pid=""
as laboratory receipt verify "$work/receipt.json" -e study --tpm-root "$work/tpm-root.pem"

cat <<'TEXT'

== what was proven, and what not
proven     every approval is by the key that the contract names, over exactly this text, these tables and this program
proven     the result went to the listed recipients alone, each sealed to its own key; groups under 10 patients are withheld
proven     Evidence, log and receipt hold together, and any change to them is refused
not proven that the operator could not look: software TPM, asserted by the host: format and protocol exercised, a lying
           operator could forge this. On a measured image with a hardware TEE the same Evidence format says more.
not shown  a restart: the program goes on from sealed state, which in this mode the operator can read
TEXT
step "done"
