terraform {
  # 1.9 is the first release where a variable's validation may look at other
  # variables, and rules such as "no shared NAT gateway over several zones" do.
  required_version = ">= 1.9"

  # Written for major 5 and 6 of the provider alike; `.terraform.lock.hcl` pins one.
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7"
    }
  }
}
