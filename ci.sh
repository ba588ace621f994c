#!/bin/bash
# Installs what the tests need on Debian, then checks and tests everything. Runs again without harm, and offline
# once everything is there.
set -euo pipefail
cd "$(dirname "$0")"
. tools/install.sh

# Command, and the package that brings it.
needed=(
  "${build_needs[@]}"
  sipp:sip-tester
  kamailio:kamailio
  baresip:baresip-core
  linphonec:linphone-cli
  promtool:prometheus
  systemd-analyze:systemd
  openssl:openssl
  node:nodejs
  npm:npm
  python3:python3
  chromium:chromium
  ip:iproute2
)

step() {
  echo "ci: $*"
  "$@"
}

install_missing "${needed[@]}"
export PATH="$PATH:/usr/sbin:/sbin"
step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
# Benchmarks and examples have been checked above.
export CARGO_TERM_COLOR=never
log=$(mktemp)
trap 'rm -f "$log"' EXIT
step cargo test --locked --no-fail-fast --lib --bins --tests 2>&1 | tee "$log" && exit 0

# Some tests talk to other people's phones, proxies and browsers in real time, and one of those may stumble where a machine
# is short of turns. A test of that kind that failed is run once more, alone. What fails twice has failed, and so has
# anything that failed elsewhere.
failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
[ -n "$failed" ] && [ "$(grep '^error: test failed' "$log" | sort -u)" = 'error: test failed, to rerun pass `--test e2e`' ] || exit 1
for name in $failed; do
  echo "ci: $name failed beside others; alone:"
  step cargo test --locked --test e2e -- --exact "$name" || exit 1
done
