--- How much invented revisions take: an image of a size, of which so much changes a day.
-- @module byre.retention.growth
local options = require("byre.retention.options")

local growth = {}

local gauge = {}
gauge.__index = gauge

--- Check what a user says of it.
-- @tparam ?table given `{size, change_per_day}`, bytes or text
-- @treturn ?table
-- @raise a sentence
function growth.read(given)
   if given == nil then
      return nil
   end
   options.check_keys("growth", given, { size = true, change_per_day = true })
   return { size = options.size("growth: size", given.size),
      change_per_day = options.size("growth: change_per_day", given.change_per_day) }
end

--- Bytes that differ after so many seconds: writes hit the same places again, so it nears the size.
-- @tparam table self of `growth.read`
-- @tparam number seconds
-- @treturn integer
function growth.changed(self, seconds)
   local written = self.change_per_day * math.max(0, seconds) / 86400
   return math.floor(self.size * (1 - math.exp(-written / math.max(self.size, 1))))
end

--- What an image and its revisions take: of each revision what differs from the next one.
-- @tparam ?table self
-- @tparam {table,...} revisions oldest first
-- @tparam integer now
-- @treturn ?integer bytes; nil: nobody has said how it grows
function growth.bytes(self, revisions, now)
   if not self then
      return nil
   end
   local total = self.size
   for i, r in ipairs(revisions) do
      local following = revisions[i + 1] and revisions[i + 1].time or now
      total = total + growth.changed(self, following - r.time)
   end
   return total
end

--- What would be if revisions went, for `byre.decide.space`.
-- @tparam table self
-- @tparam {table,...} revisions oldest first
-- @tparam integer now
-- @tparam[opt] table disk `size`, `others` (bytes that are not this volume's)
-- @treturn table
function growth.gauge(self, revisions, now, disk)
   return setmetatable({ growth = self, revisions = revisions, now = now, disk = disk,
      total = disk and disk.size or 0, bytes = growth.bytes(self, revisions, now) }, gauge)
end

-- the neighbours of each revision that is still there: by id, and of the end
local function neighbours(self)
   local links, previous = {}, nil
   for _, r in ipairs(self.revisions) do
      links[r.id] = { time = r.time, previous = previous }
      if previous then
         previous.following = links[r.id]
      end
      previous = links[r.id]
   end
   return links
end

-- bytes that are held for one revision as long as its neighbour is this one
local function held(self, link, following)
   return link and growth.changed(self.growth, (following and following.time or self.now) - link.time) or 0
end

function gauge.settle() end

function gauge:take(id)
   self.links = self.links or neighbours(self)
   local link = self.links[id]
   local before, after = link.previous, link.following
   self.bytes = self.bytes - held(self, before, link) - held(self, link, after) + held(self, before, after)
   if before then
      before.following = after
   end
   if after then
      after.previous = before
   end
end

function gauge:put_back(id)
   local link = self.links[id]
   local before, after = link.previous, link.following
   self.bytes = self.bytes + held(self, before, link) + held(self, link, after) - held(self, before, after)
   if before then
      before.following = link
   end
   if after then
      after.previous = link
   end
end

function gauge:taken()
   return self.bytes
end

function gauge:free()
   return self.disk and self.disk.size - self.disk.others - self.bytes
end

return growth
