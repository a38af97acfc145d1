# Read by every test: the name has no default, since no name would be yours.
dns_domain = "shop.example.com"
