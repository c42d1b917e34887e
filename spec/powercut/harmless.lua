--- Wrong variants of byre that change nothing that is promised, and why.
-- @module spec.powercut.harmless
local harmless = {}

-- patterns of names
local reasons = {
}

--- Why nobody can notice a variant; nil: somebody should.
-- @tparam string name of `mutants.list`
function harmless.reason(name)
   for _, item in ipairs(reasons) do
      if name:find(item[1]) then
         return item[2]
      end
   end
end

return harmless
