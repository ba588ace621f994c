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
step cargo test --locked --no-fail-fast --lib --bins --tests
