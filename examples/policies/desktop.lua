-- A machine of one's own: close together at first, further apart with age.
return policy { tz = "Europe/Berlin",
   keep.last(3), keep.hourly "2d", keep.daily(14), keep.weekly(8), keep.monthly(12),
}
