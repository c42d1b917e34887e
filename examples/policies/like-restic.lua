-- Exactly what `restic forget --keep-daily 7 --keep-weekly 5 --keep-within 2d` keeps.
return policy { tz = "Europe/Berlin",
   compat.restic { daily = 7, weekly = 5, within = "2d" },
}
