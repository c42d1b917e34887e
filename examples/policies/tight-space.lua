-- Daily revisions that were made by hand stay; when space runs short the
-- automatic ones may go even if a rule wants them, down to three.
return policy { tz = "Europe/Paris",
   keep.last(3), keep.daily(30), keep.monthly(6),
   space { free = "15%", among = keep.where("automatic", function(r) return r.origin == "auto" end) },
   floor = 3,
}
