#!/bin/bash
# The Python the application runs on, and the user it runs as.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

# Amazon Linux keeps its own tools on its own, older Python; this one stands beside it.
retry dnf install --assumeyes --quiet python3.12 python3.12-pip

# A user of its own, without a shell and without a home: it owns no file it could change.
if [[ -z $ROOT ]] && ! id "$SETUP_PROJECT" &>/dev/null; then
  useradd --system --user-group --no-create-home --home-dir /nonexistent \
    --shell /sbin/nologin "$SETUP_PROJECT"
fi
