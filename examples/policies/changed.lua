-- Days on which nothing was written are not kept twice.
return policy { tz = "Europe/Berlin",
   keep.last(1), keep.daily(14) & keep.changed { over = "1MiB" }, keep.monthly(12),
}
