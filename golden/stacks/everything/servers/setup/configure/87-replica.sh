#!/bin/bash
# Copies the share to this server's own disk before the application starts, and goes on doing so.
# A server that never had the files must not take requests for them.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

settings=$ROOT/etc/$SETUP_PROJECT/app.env
folder=$(sed -n 's/^APP_REPLICA_FOLDER="\(.*\)"$/\1/p' "$settings")
folder=${folder#"$ROOT"}
[[ $folder ]] || fail "the settings name no folder for the copy of the share"

# Read by the application's group, and written by root alone.
mkdir -p "$ROOT$folder"
chmod 750 "$ROOT$folder"
if [[ -z $ROOT ]]; then
  chgrp "$SETUP_PROJECT" "$folder"
else
  # On a laptop the folder has another path than on a server, and the application must know it.
  sed -E "s#^APP_(REPLICA|SHARED_READ)_FOLDER=\"$folder#APP_\1_FOLDER=\"$ROOT$folder#" "$settings" |
    put "$settings.new" 640 "$SETUP_PROJECT"
  mv "$settings.new" "$settings"
fi

copy_share() {
  (
    # Quoted as a shell reads it, too.
    set -a
    # shellcheck source=/dev/null
    source "$settings"
    cd "$ROOT/opt/$SETUP_PROJECT/current/app/src"
    exec "$ROOT/opt/$SETUP_PROJECT/current/venv/bin/python" -m app.replica once
  )
}

retry copy_share || fail "the share could not be copied, so this server has no files to serve"

systemctl enable replica.service
systemctl restart replica.service
log "the share is copied to $folder"
