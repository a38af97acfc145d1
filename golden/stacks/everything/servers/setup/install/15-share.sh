#!/bin/bash
# What mounts the share, and the user that owns its files.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet amazon-efs-utils

# The user the application runs as, with the same number on every server and on the share; else
# it would be whichever number was free. infra/nfs_sharing.tf knows it too.
uid=2000
if [[ -z $ROOT ]] && ! id "$SETUP_PROJECT" &>/dev/null; then
  groupadd --system --gid "$uid" "$SETUP_PROJECT"
  useradd --system --uid "$uid" --gid "$uid" --no-create-home --home-dir /nonexistent \
    --shell /sbin/nologin "$SETUP_PROJECT"
fi
