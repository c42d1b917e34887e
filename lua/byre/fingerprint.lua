--- Short names of texts: equal texts have the same, and another one by chance
-- hardly ever. They tell a changed text from the one that somebody has seen;
-- they are no protection from somebody who wants two texts to look alike.
-- @module byre.fingerprint
local fingerprint = {}

--- The fingerprint of a text (FNV-1a, 64 bits).
-- @tparam string text
-- @treturn string 16 hexadecimal digits
function fingerprint.of(text)
   local hash = -3750763034362895579
   for i = 1, #text do
      hash = (hash ~ text:byte(i)) * 1099511628211
   end
   return ("%016x"):format(hash)
end

return fingerprint
