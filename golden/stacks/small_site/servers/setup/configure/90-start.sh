#!/bin/bash
# Starts the application and waits for its answer: only then is this server of use.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

port=${PORT:-8000}
state=$ROOT/var/lib/$SETUP_PROJECT/setup
mkdir -p "$state"

# What the running service was started with; unchanged, it is left alone.
now=$(
  readlink "$ROOT/opt/$SETUP_PROJECT/current"
  sha256sum <"$ROOT/etc/$SETUP_PROJECT/app.env"
  sha256sum <"$ROOT/etc/systemd/system/app.service"
  # With what other parts of the system add to the service.
  find "$ROOT/etc/systemd/system" -path '*/app.service.d/*.conf' -exec sha256sum {} + | LC_ALL=C sort
)

systemctl enable app.service
if systemctl is-active --quiet app.service && cmp --silent "$state/started" <<<"$now"; then
  log "the application runs with these settings already"
else
  systemctl restart app.service
  put "$state/started" 644 <<<"$now"
fi

for ((second = 0; second < ${SETUP_HEALTH_SECONDS:-60}; second++)); do
  if curl -fs --noproxy '*' --max-time 2 --output /dev/null "http://127.0.0.1:$port/health"; then
    log "the application answered after $second s"
    exit 0
  fi
  sleep 1
done

systemctl status --no-pager --lines 50 app.service || true
systemctl disable --now app.service
fail "the application did not answer http://127.0.0.1:$port/health in time and was stopped"
