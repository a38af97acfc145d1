#!/bin/bash
# Tells CloudWatch whether the application on this machine answers, 1 if it does, 0 if not, and
# whether its last setup failed: where an old release goes on answering, nobody would hear of that.
#
#   standalone-server-answers NAMESPACE
set -euo pipefail

namespace=${1:?is the namespace, and the name of the project}

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

# It lies there from a setup that failed until one that did not.
failed=0
if [[ -e ${ROOT:-}/var/lib/$namespace/setup/failed ]]; then
  failed=1
fi

instance=$(metadata instance-id)
AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-$(metadata placement/region)}
export AWS_DEFAULT_REGION
here="Dimensions=[{Name=InstanceId,Value=$instance}]"
aws cloudwatch put-metric-data --namespace "$namespace" --metric-data \
  "MetricName=ApplicationAnswers,$here,Value=$answers" "MetricName=SetupFailed,$here,Value=$failed"
