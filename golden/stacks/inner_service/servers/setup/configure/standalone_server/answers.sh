#!/bin/bash
# Tells CloudWatch whether the application on this machine answers: 1 if it does, 0 if not.
#
#   standalone-server-answers NAMESPACE
set -euo pipefail

metadata() {
  local service=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254} token
  token=$(curl -fs --noproxy '*' --max-time 2 -X PUT \
    -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/latest/api/token")
  curl -fs --noproxy '*' --max-time 2 -H "X-aws-ec2-metadata-token: $token" "$service/latest/meta-data/$1"
}

answers=0
if curl -fs --noproxy '*' --max-time 5 --output /dev/null "http://127.0.0.1:${PORT:-8000}/health"; then
  answers=1
fi

instance=$(metadata instance-id)
AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-$(metadata placement/region)}
export AWS_DEFAULT_REGION
aws cloudwatch put-metric-data --namespace "${1:?is the namespace}" --metric-name ApplicationAnswers \
  --dimensions "InstanceId=$instance" --value "$answers"
