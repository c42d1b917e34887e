--- What there is to choose among.
-- @module spec.powercut.among
local among = {}

--- Any of a list.
function among.pick(list)
   return list[math.random(#list)]
end

--- The vids in order, which makes a seed tell the same story each time; all, or those of a group.
function among.sorted_vids(volumes, group)
   local list = {}
   for vid in pairs(volumes) do
      if not group or vid:sub(1, #group + 1) == group .. "/" then
         list[#list + 1] = vid
      end
   end
   table.sort(list)
   return list
end

--- Is a volume the source of another?
function among.is_source(volumes, vid)
   for _, volume in pairs(volumes) do
      if volume.source == vid then
         return true
      end
   end
   return false
end

return among
