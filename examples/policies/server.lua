-- A server with a revision every quarter of an hour; at least five remain, whatever happens.
return policy { tz = "America/New_York",
   keep.within "6h", keep.hourly(48), keep.daily(30), keep.monthly(24), keep.yearly(7),
   floor = 5, min_age = "2h",
}
