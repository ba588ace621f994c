#!/bin/bash
# Installs what compiling needs on Debian (a C compiler, cmake), then runs the demo: calls between a carrier and a phone
# on loopback. Arguments go to `offhook demo`.
set -euo pipefail
cd "$(dirname "$0")"
. tools/install.sh
install_missing "${build_needs[@]}"
exec cargo run --release -- demo "$@"
