-- Releases for ever, release candidates the last three, all else for a month.
return policy {
   keep.tagged "release",
   keep.tagged { "candidate", n = 3 },
   keep.daily "1mo",
}
