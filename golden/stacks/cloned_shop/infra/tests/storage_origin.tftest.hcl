mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "this_distribution_alone_reads_the_bucket_and_does_no_more" {
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.storage_origin.statement :
      statement.sid => [statement.actions, statement.resources, one(statement.principals).type, one(statement.principals).identifiers, [for each in statement.condition : "${each.test} ${each.variable} ${join(",", each.values)}"]]
      } == {
      ReadByThisDistribution = [
        toset(["s3:GetObject"]),
        toset(["${aws_s3_bucket.object_storage["content"].arn}/*"]),
        "Service",
        toset(["cloudfront.amazonaws.com"]),
        ["StringEquals AWS:SourceArn ${aws_cloudfront_distribution.edge.arn}"],
      ]
    }
    error_message = "somebody else reads the bucket, or the edge may do more than read"
  }

  assert {
    condition     = data.aws_iam_policy_document.object_storage["content"].source_policy_documents == tolist([data.aws_iam_policy_document.storage_origin.json])
    error_message = "the bucket's policy does not hold it"
  }
}

run "each_request_to_the_bucket_is_signed" {
  assert {
    condition     = aws_cloudfront_origin_access_control.storage_origin.signing_behavior == "always" && aws_cloudfront_origin_access_control.storage_origin.signing_protocol == "sigv4"
    error_message = "CloudFront asks the bucket as anybody could"
  }

  assert {
    condition = [
      for origin in aws_cloudfront_distribution.edge.origin :
      [origin.domain_name, origin.origin_access_control_id, length(origin.custom_origin_config)] if origin.origin_id == "content"
    ] == [[aws_s3_bucket.object_storage["content"].bucket_regional_domain_name, aws_cloudfront_origin_access_control.storage_origin.id, 0]]
    error_message = "the distribution has the bucket as another kind of origin"
  }
}

# The bucket would be asked under the name the user typed, and know no bucket of that name.
run "nothing_of_who_asked_reaches_the_bucket" {
  assert {
    condition = alltrue([
      for behavior in concat(aws_cloudfront_distribution.edge.default_cache_behavior, aws_cloudfront_distribution.edge.ordered_cache_behavior) :
      try(length(behavior.origin_request_policy_id), 0) == 0 && !contains(behavior.allowed_methods, "POST") if behavior.target_origin_id == "content"
    ])
    error_message = "headers or cookies of users reach the bucket"
  }
}
