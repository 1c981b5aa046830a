#!/usr/bin/env bash
# How long questions take beside peers that answer them, on one lab of a cluster at EKS' quotas: medians and peak memory.
# The peers are found on PATH: kubectl-who-can (github.com/aquasecurity/kubectl-who-can), rbac-tool
# (github.com/alcideio/rbac-tool), kubectl; one that is not there is left out. Run: benches/peers.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds="${1:-7}"
eksplorer="${EKSPLORER:-target/release/eksplorer}"
[ -x "$eksplorer" ] || cargo build --release
work="$(mktemp -d)"
trap 'kill "$lab" 2>/dev/null || true; rm -rf "$work"' EXIT
"$eksplorer" lab generate "$work/world.json" --seed 1 --entries 3000 --role-bindings 4491 --cluster-role-bindings 676 \
  --k8s-roles 1374 --cluster-roles 721 --service-accounts 20000 --pods 30000 -o json 2>/dev/null
"$eksplorer" lab --world "$work/world.json" >"$work/env" 2>"$work/log" &
lab=$!
for _ in $(seq 600); do [ -s "$work/env" ] && break; kill -0 "$lab" 2>/dev/null || { cat "$work/log"; exit 1; }; read -rt 0.1 <> <(:) || true; done
# shellcheck disable=SC1091
. "$work/env"
python3 - "$rounds" "$eksplorer" <<'PY'
import os, resource, shutil, statistics, subprocess, sys, time

rounds, eksplorer = int(sys.argv[1]), sys.argv[2]
cluster = "generated"


def once(words):
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 3):
        sys.exit(f"{' '.join(words)} ended with {code}: {error.decode()[-400:]}")
    return took, used.ru_maxrss / 1024


questions = {
    "who can delete pods in default": {
        "eksplorer who-can --rbac-only": [eksplorer, "who-can", "delete", "pods", "-n", "default", "--rbac-only", "-c", cluster],
        "kubectl-who-can": ["kubectl-who-can", "delete", "pods", "-n", "default"],
        "rbac-tool": ["rbac-tool", "who-can", "delete", "pods"],
        "eksplorer who-can": [eksplorer, "who-can", "delete", "pods", "-n", "default", "-c", cluster],
    },
    "can a service account get pods": {
        "eksplorer can": [eksplorer, "can", "sa/default/default", "get", "pods", "-n", "default", "-c", cluster],
        "kubectl auth can-i": ["kubectl", "auth", "can-i", "get", "pods", "-n", "default", "--as", "system:serviceaccount:default:default"],
    },
}
for question, ways in questions.items():
    print(question)
    ways = {name: words for name, words in ways.items() if shutil.which(words[0])}
    times = {name: [] for name in ways}
    memory = {}
    # In turns, so that whatever else the machine does falls on all of them.
    for _ in range(rounds):
        for name, words in ways.items():
            took, peak = once(words)
            times[name].append(took)
            memory[name] = max(peak, memory.get(name, 0))
    for name in ways:
        print(f"  {name:32} {statistics.median(times[name]):8.3f} s  {memory[name]:6.0f} MiB")
PY
