-- What was tagged before an upgrade stays for three months.
return policy {
   keep.last(2), keep.daily(7),
   keep.where("before upgrade", function(r) return r.tags.upgrade and r.age < days(90) end),
}
