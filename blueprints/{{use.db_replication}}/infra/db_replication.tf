# A second copy of each database stands in another zone. A commit is one only when both have it,
# so a zone that is lost takes no data along; RDS then lets the name lead to the other copy.

# Somebody must hear of it: the zone that failed may have been that of other servers, too.
resource "aws_db_event_subscription" "db_replication" {
  name             = "${local.name}-failover"
  sns_topic        = aws_sns_topic.alarms.arn
  source_type      = "db-instance"
  source_ids       = [for database in aws_db_instance.database : database.identifier]
  event_categories = ["failover"]

  # RDS tries the topic out at once.
  depends_on = [aws_sns_topic_policy.alarms]
}
