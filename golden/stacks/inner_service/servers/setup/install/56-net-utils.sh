#!/bin/bash
# For a network card that comes while the server runs. What is asked at one card must be answered
# by that card, or the network drops the answer: this package of Amazon Linux makes the routes and
# rules for it whenever a card comes or goes. Most images have it already.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet amazon-ec2-net-utils
