#!/bin/sh
# What the tests use besides Python: installed where it may, otherwise named.
set -eu
missing=""
for of in chromium:chromium redis-server:redis-server nginx:nginx-light \
  supervisord:supervisor systemd-analyze:systemd prometheus:prometheus \
  prometheus-node-exporter:prometheus-node-exporter mariadbd:mariadb-server dnsmasq:dnsmasq-base \
  prometheus-alertmanager:prometheus-alertmanager curl:curl mosquitto:mosquitto \
  mosquitto_pub:mosquitto-clients; do
  PATH="$PATH:/usr/sbin" command -v "${of%%:*}" >/dev/null 2>&1 || missing="$missing ${of#*:}"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 ||
  missing="$missing postgresql"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -x /usr/lib/nagios/plugins/check_dummy ] || missing="$missing monitoring-plugins-basic"
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3 python3-venv"
[ -n "$missing" ] || exit 0
command="apt-get install -y --no-install-recommends $missing"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need $missing; install it and run them again." >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  echo "The tests need $missing. Install it and run them again: sudo $command" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root $command
