#!/bin/bash
# The master offers its content to its clones. A clone copies it before its application starts,
# and goes on doing so: one that never had the content must not take requests for it.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

here=$BUNDLE/servers/setup/configure/clone_server
home=$ROOT/etc/content
units=$ROOT/etc/systemd/system
port=8873 # infra/clone_server.tf opens it

# Beside the settings and not under them: the application has no use for the key.
path=${SETUP_SETTINGS_PATH%/*}/clone-server
parameters=$(mktemp)
trap 'rm -f "$parameters"' EXIT

fetch() {
  aws ssm get-parameters-by-path --path "$path" --with-decryption --output json >"$parameters"
}

parameter() {
  python3 - "$parameters" "$path/$1" <<'PYTHON' || fail "there is no parameter $path/$1"
import json, sys

source, name = sys.argv[1:]
found = {each["Name"]: each["Value"] for each in json.load(open(source))["Parameters"]}
print(found[name]) if name in found else sys.exit(1)
PYTHON
}

# tell_application ROLE FOLDER HOST: in which the two kinds of servers differ.
tell_application() {
  {
    grep -vE '^APP_CONTENT_(ROLE|FOLDER|MASTER)=' "$ROOT/etc/$SETUP_PROJECT/app.env" || true
    printf 'APP_CONTENT_ROLE="%s"\nAPP_CONTENT_FOLDER="%s"\nAPP_CONTENT_MASTER="%s"\n' "$@"
  } | put "$ROOT/etc/$SETUP_PROJECT/app.env" 640 "$SETUP_PROJECT"
}

# What both ends of the connection say: TLS with a key that both hold and no certificate, so
# each knows the other, and nothing expires. The newest TLS alone has fresh keys for all of it.
encryption() {
  cat <<ENCRYPTION
ciphers = kECDHEPSK
debug = warning
PSKsecrets = $home/key
sslVersionMin = TLSv1.3
syslog = no
ENCRYPTION
}

# The folder belongs to the application, which writes it.
make_folder() {
  # Where the disk is not mounted, there is no folder above, or one that nobody may enter.
  [[ -d $(dirname "$1") && $(stat --format %a "$(dirname "$1")") != 0 ]] || return
  mkdir -p "$1"
  chmod 750 "$1"
  if [[ -z $ROOT ]]; then
    chown "$SETUP_PROJECT:$SETUP_PROJECT" "$1"
  fi
}

become_master() {
  local folder=/srv/content
  if [[ -n $ROOT ]]; then
    mkdir -p "$ROOT$(dirname "$folder")"
  fi
  retry make_folder "$ROOT$folder" || fail "$folder cannot be made; is its disk mounted?"
  # Tells this content from a folder without any, and from another one: no clone takes either.
  if [[ ! -s $ROOT$folder/.content ]]; then
    python3 -c 'import uuid; print(uuid.uuid4())' |
      put "$ROOT$folder/.content" 640 "$SETUP_PROJECT"
  fi

  # Read by the service, which is neither root nor the application, through the group.
  parameter key | sed 's/^/clone:/' | put "$home/key" 640 "$SETUP_PROJECT"
  {
    cat <<RSYNC
list = no
read only = yes
reverse lookup = no
use chroot = no
[content]
path = $ROOT$folder
RSYNC
    # Where it is root's, as on some laptops, rsync would become nobody and read nothing.
    [[ -z $ROOT ]] || echo "uid = $(id -u)"
  } | put "$home/rsyncd.conf" 644
  {
    encryption
    cat <<SERVE
foreground = yes
pid =
[content]
accept = $port
exec = $(command -v rsync)
execArgs = rsync --server --daemon --config=$home/rsyncd.conf .
SERVE
  } | put "$home/serve.conf" 644
  put "$home/content.env" 644 <<<"CONTENT_SERVE=\"$home/serve.conf\""
  put "$units/content.service" 644 <"$here/content.service"
  put "$units/app.service.d/60-content.conf" 644 <<UNIT
# The application writes the content of this server, which is the master.
[Service]
ReadWritePaths=-$folder
UNIT

  tell_application master "$ROOT$folder" 127.0.0.1
  # For units that must run on the master alone: ConditionPathExists=/etc/content/master
  put "$home/master" 644 <<<"This server is the master of its clones."
  systemctl daemon-reload
  systemctl enable content.service
  systemctl restart content.service
  log "the master offers $folder to its clones"
}

become_clone() {
  local folder=$ROOT/srv/content master seconds
  master=$(parameter master)
  seconds=$(parameter interval_seconds)

  # Read by the application's group, and written by root alone.
  mkdir -p "$folder"
  chmod 750 "$folder"
  if [[ -z $ROOT ]]; then
    chgrp "$SETUP_PROJECT" "$folder"
  fi

  parameter key | sed 's/^/clone:/' | put "$home/key" 600
  {
    encryption
    cat <<FETCH
client = yes
connect = $master:$port
TIMEOUTconnect = 10
FETCH
  } | put "$home/fetch.conf" 644
  put "$home/sync.env" 644 <<SYNC
AWS_DEFAULT_REGION="$AWS_DEFAULT_REGION"
CONTENT_COPY_SECONDS="$(parameter copy_seconds)"
CONTENT_FOLDER="$folder"
CONTENT_METRIC_NAMESPACE="$(parameter metric_namespace)"
CONTENT_SOURCE="rsync://$master/content"
RSYNC_CONNECT_PROG="stunnel $home/fetch.conf"
SYNC
  put "$ROOT/usr/local/sbin/content-sync" 755 <"$here/content-sync.sh"
  put "$ROOT/usr/local/sbin/content-age" 755 <"$here/content-age.sh"
  put "$units/content-sync.service" 644 <"$here/content-sync.service"
  put "$units/content-sync.timer" 644 <<TIMER
[Unit]
Description=Copy the master's content every $seconds seconds, and soon after a start

[Timer]
OnActiveSec=10s
OnUnitInactiveSec=${seconds}s
# Clones that were started together do not ask together.
RandomizedDelaySec=$((seconds / 5))s
AccuracySec=1s

[Install]
WantedBy=timers.target
TIMER

  # For some minutes: the master of a new system sets itself up at the same time.
  SETUP_ATTEMPTS=${SETUP_ATTEMPTS:-8} retry copy_content "$home/sync.env" ||
    fail "the master's content could not be copied, so this clone has nothing to serve"
  tell_application clone "$folder/current" "$master"

  # The stand-in on a laptop starts no timers.
  if [[ -z $ROOT ]]; then
    systemctl daemon-reload
    systemctl enable content-sync.timer
    systemctl restart content-sync.timer
  fi
  log "this clone has the content of $master"
}

copy_content() {
  (
    # Quoted as a shell reads it, too.
    set -a
    # shellcheck source=/dev/null
    source "$1"
    exec "$ROOT/usr/local/sbin/content-sync"
  )
}

case ${SETUP_KIND:-} in
  standalone_server) become=become_master ;;
  servers) become=become_clone ;;
  *)
    log "neither master nor clone, nothing to do"
    exit 0
    ;;
esac

retry fetch || fail "the parameters under $path could not be read"
"$become"
