-- Only what is old, takes much by itself and is no release goes; all else stays.
-- Where the file system cannot say how much, `exclusive` is nil, and nothing goes.
return policy(function(revisions, ctx)
   for _, r in ipairs(revisions) do
      if r.age > days(30) and (r.exclusive or 0) > GiB(5) and not r.tags.release then
         r:expire "old and large"
      end
   end
end)
