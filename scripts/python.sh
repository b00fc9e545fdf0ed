#!/usr/bin/env bash
# Prints the first Python 3.11 or newer that can make virtual environments. On Debian and Ubuntu the part that
# makes them is a package of its own; root gets it installed, anybody else is told which one to ask for.
set -euo pipefail

usable() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

found=
for python in python3 python3.11 python3.12 python3.13 python3.14; do
  usable "$python" || continue
  found=${found:-$python}
  if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    command -v "$python"
    exit 0
  fi
done

if [ -z "$found" ]; then
  echo 'Duoline needs Python 3.11 or newer, and none was found as python3 or python3.11 to python3.14.' >&2
  exit 1
fi
version=$("$found" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing $version-venv through apt…" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$version-venv"; } >/dev/null
  command -v "$found"
  exit 0
fi
echo "$version is there, but cannot make virtual environments: as an administrator run 'apt install $version-venv'." >&2
exit 1
