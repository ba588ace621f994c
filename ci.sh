#!/bin/bash
# Installs what the tests need on Debian, then checks and tests everything. Runs again without harm, and offline
# once everything is there.
set -euo pipefail
cd "$(dirname "$0")"

# Command, and the package that brings it.
needed=(
  sipp:sip-tester
  kamailio:kamailio
  baresip:baresip-core
  linphonec:linphone-cli
  promtool:prometheus
  systemd-analyze:systemd
  openssl:openssl
  node:nodejs
  npm:npm
  ip:iproute2
  cmake:cmake
  cc:build-essential
)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
  local missing=() pair
  for pair in "${needed[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} = 0 ] && return 0
  echo "ci: installing ${missing[*]}"
  # The packages are wanted for their programs: none of their services may start here.
  local guard=/usr/sbin/policy-rc.d made=
  if [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $guard >/dev/null
    as_root chmod 755 $guard
    made=yes
  fi
  as_root apt-get update -qq || echo "ci: package lists could not be refreshed, going on with the old ones"
  local done=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || done=$?
  [ -z "$made" ] || as_root rm -f $guard
  return $done
}

step() {
  echo "ci: $*"
  "$@"
}

install_missing
export PATH="$PATH:/usr/sbin:/sbin"
step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step cargo test --locked --no-fail-fast
