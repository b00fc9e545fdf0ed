#!/usr/bin/env bash
# Makes sure that the browser tests have Chromium and a Chinese font, through apt when that is possible. The headless
# shell is wanted before the whole browser: pages open in a quarter of the time.
# Without them the tests that drive a browser are skipped, and this says so in one line.
set -euo pipefail

have_shell() { command -v chromium-headless-shell >/dev/null 2>&1; }
have_chromium() { have_shell || command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; }
have_font() { command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh family 2>/dev/null | head -n 1)" ]; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1; }

if have_shell && have_font; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo 'Installing Chromium and a Chinese font for the browser tests…'
  apt-get update -qq >/dev/null 2>&1 || true
  have_font || install fontconfig fonts-noto-cjk || true
  have_shell || install chromium-headless-shell || have_chromium || install chromium || true
fi
have_chromium || echo "Browser tests are skipped: no Chromium here (as an administrator: apt install chromium fonts-noto-cjk)."
