vcl 4.1;

# What is kept, for how long, and who gets it. When in doubt a request is passed on: an answer that
# is made once too often costs a little, and one that is given to the wrong user costs everything.

import std;

# The next program on this machine. It finds the web servers; Varnish would look up a name once.
backend behind {
  .host = "127.0.0.1";
  .port = "@NEXT@";
  .connect_timeout = 2s;
  .first_byte_timeout = @IDLE@s;
  .between_bytes_timeout = @IDLE@s;
}

# The same, watched as far as the web servers. It decides how old an answer may be, and never
# whether somebody is asked: a check that is wrong must not stop everything.
backend watched {
  .host = "127.0.0.1";
  .port = "@NEXT@";
  .probe = {
    .url = "@HEALTH@";
    .interval = 5s;
    .timeout = 3s;
    .window = 5;
    .threshold = 3;
    .initial = 3;
  }
}

# Who may throw answers away: this machine alone, and no request that somebody passed on to it.
acl purgers {
  "127.0.0.1";
}

sub vcl_recv {
  set req.backend_hint = behind;

  # Written here alone; a user's own would come back as ours.
  if (req.restarts == 0) {
    unset req.http.X-Cache-State;
  }

  if (req.method == "PURGE" || req.method == "BAN") {
    if (client.ip !~ purgers || req.http.X-Forwarded-For != "" + client.ip) {
      return (synth(405, "Method not allowed"));
    }
    if (req.method == "PURGE") {
      ban("obj.http.X-Cache-Url == " + req.url);
    } else {
      ban("obj.http.X-Cache-Url ~ " + req.http.X-Cache-Match);
    }
    return (synth(200, "Thrown away"));
  }

  # Fresh answers while the web servers are well, old ones rather than none while they are not.
  if (req.restarts == 0 && std.healthy(watched)) {
    set req.grace = 10s;
  } else {
    set req.grace = @GRACE@s;
  }

  # Checks are about now.
  if (req.url ~ "^/(health|proxy-health)" || req.url == "@HEALTH@") {
    return (pass);
  }

  # Files are the same for everybody, whoever asks.
  if (req.url ~ "^/static/") {
    unset req.http.Cookie;
  }

  # Cookies that scripts in the page keep for themselves say nothing to the application. Any other
  # may be somebody's session, and its request is passed on, by the rules that Varnish brings.
  if (req.http.Cookie) {
    set req.http.Cookie = ";" + req.http.Cookie;
    set req.http.Cookie = regsuball(req.http.Cookie, ";\s*(@IGNORED@)=[^;]*", "");
    set req.http.Cookie = regsub(req.http.Cookie, "^[;\s]+", "");
    if (req.http.Cookie == "") {
      unset req.http.Cookie;
    }
  }
}

sub vcl_miss {
  # Nothing is left from before either: now the error itself is the answer.
  if (req.restarts > 0) {
    set req.http.X-Cache-State = "MISS";
    return (pass);
  }
}

sub vcl_pass {
  if (!req.http.X-Cache-State) {
    set req.http.X-Cache-State = "PASS";
  }
}

sub vcl_backend_fetch {
  unset bereq.http.X-Cache-State;

  # Who answers before it has all of a body ends the connection without a word: the next request on
  # it, of another user, would fail.
  if (bereq.http.Content-Length || bereq.http.Transfer-Encoding) {
    set bereq.http.Connection = "close";
  }
}

sub vcl_backend_response {
  # An error is never kept, and what is kept is better than an error.
  if (beresp.status >= 500 && !bereq.uncacheable) {
    return (abandon);
  }

  set beresp.http.X-Cache-Url = bereq.url;
  set beresp.grace = @GRACE@s;
  if (beresp.http.Cache-Control ~ "(?i)(must|proxy)-revalidate") {
    set beresp.grace = 0s;
  }

  # From here on by the rules that Varnish brings: an answer that sets a cookie, or says private or
  # no-store, is not kept, and for two minutes requests for it do not wait for each other.
}

sub vcl_backend_error {
  # Nobody answered, or not in time: as with an error. What is never kept has nothing to go back to.
  if (!bereq.uncacheable) {
    return (abandon);
  }
}

sub vcl_synth {
  # Nobody answered: once more, and now with what is left from before.
  if (resp.status == 503 && req.restarts == 0) {
    return (restart);
  }
}

sub vcl_deliver {
  # Not `X-Cache`: an edge in front puts its own in that one's place.
  if (req.http.X-Cache-State) {
    set resp.http.X-Proxy-Cache = req.http.X-Cache-State;
  } else if (obj.hits == 0) {
    set resp.http.X-Proxy-Cache = "MISS";
  } else if (obj.ttl > 0s) {
    set resp.http.X-Proxy-Cache = "HIT";
  } else {
    set resp.http.X-Proxy-Cache = "STALE";
  }
  unset resp.http.Via;
  unset resp.http.X-Cache-Url;
  unset resp.http.X-Varnish;
}
