#!/bin/bash
# Writes the application's settings from Parameter Store to the file its service reads:
# <path>/session_table becomes APP_SESSION_TABLE. They are read when a server is set up and
# belong to one environment, so they are never part of an image.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

: "${SETUP_SETTINGS_PATH:?is the path of the settings in Parameter Store}"
umask 077

fetch() {
  aws ssm get-parameters-by-path --path "$SETUP_SETTINGS_PATH" --recursive --with-decryption \
    --output json >"$answer"
}

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
retry fetch || fail "the settings under $SETUP_SETTINGS_PATH could not be read"

# Quoted as systemd reads it: inside double quotes a backslash protects these four characters.
settings=$(
  python3 - "$answer" "$SETUP_SETTINGS_PATH" <<'PYTHON'
import json, re, sys

answer, path = sys.argv[1:]
settings = {}
for parameter in json.load(open(answer, encoding="utf-8"))["Parameters"]:
    name = parameter["Name"].removeprefix(path.rstrip("/") + "/")
    variable = "APP_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    if variable in settings:
        sys.exit(f"two parameters under {path} would both be {variable}")
    settings[variable] = re.sub(r'(["\\`$])', r"\\\1", parameter["Value"])
for variable, value in sorted(settings.items()):
    print(f'{variable}="{value}"')
PYTHON
)

put "$ROOT/etc/$SETUP_PROJECT/app.env" 640 "$SETUP_PROJECT" <<SETTINGS
# From $SETUP_SETTINGS_PATH in Parameter Store; written again at each setup.
AWS_DEFAULT_REGION="$AWS_DEFAULT_REGION"
AWS_REGION="$AWS_DEFAULT_REGION"
$settings
SETTINGS
log "$(grep -c '^APP_' <<<"$settings") settings from $SETUP_SETTINGS_PATH"
