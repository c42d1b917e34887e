-- A business year from July: its quarters for three years, its years for ten.
return policy { tz = "Australia/Sydney", year_start = "07-01",
   keep.daily(31), keep.monthly(12), keep.quarterly(12), keep.yearly(10),
}
