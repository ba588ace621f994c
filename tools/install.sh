# What the scripts at the top install on Debian. Sourced by them; does nothing by itself.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_missing COMMAND:PACKAGE...: installs the packages whose commands are not there. Runs again without harm, and
# asks no network when nothing is missing.
install_missing() {
  local missing=() pair
  for pair in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} = 0 ] && return 0
  echo "installing ${missing[*]}"
  # The packages are wanted for their programs: none of their services may start here.
  local guard=/usr/sbin/policy-rc.d made=
  if [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $guard >/dev/null
    as_root chmod 755 $guard
    made=yes
  fi
  as_root apt-get update -qq || echo "package lists could not be refreshed, going on with the old ones"
  local done=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || done=$?
  [ -z "$made" ] || as_root rm -f $guard
  return $done
}

# What compiling needs beside Rust: a C compiler, make, and cmake for the Opus library.
build_needs=(cc:build-essential cmake:cmake)
