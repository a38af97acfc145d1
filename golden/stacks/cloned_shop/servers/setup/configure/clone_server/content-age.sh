#!/bin/bash
# Tells CloudWatch how many seconds ago this clone last had all of the master's content.
set -euo pipefail

# A clone without its first copy is not in service, and its setup tells why.
[[ -e $CONTENT_FOLDER/copied ]] || exit 0

aws cloudwatch put-metric-data --namespace "$CONTENT_METRIC_NAMESPACE" --metric-name AgeSeconds \
  --unit Seconds --value "$(($(date +%s) - $(stat --format %Y "$CONTENT_FOLDER/copied")))"
