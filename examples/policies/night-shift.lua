-- Work goes on past midnight: days begin at six, weeks on Sunday.
return policy { tz = "Europe/Helsinki", day_start = "06:00", week_start = "sunday",
   keep.last(1), keep.daily { n = 10, pick = "newest" }, keep.weekly(6),
}
