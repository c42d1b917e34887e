--- What pruning has to know of space: looked at when somebody asks, not before.
--
-- One for each run of `prune` over a pool. Maps cost time, and many policies never ask.
-- @module byre.gauge
local usage = require("byre.usage")

local gauge = {}

local methods = {}
local mt = { __name = "byre.gauge", __index = methods }

-- what would be if some revisions of one volume went, as `byre.decide.space` asks
local of_volume = {}
of_volume.__index = of_volume

--- Make one for a run.
-- @tparam pool pool
-- @treturn gauge
function gauge.new(pool)
   return setmetatable({ pool = pool, returned = 0 }, mt)
end

--- The map of a volume's images, made now if there is none yet.
-- @tparam string vid
-- @treturn usage
-- @raise `io`, `denied`
function methods:usage(vid)
   if not (self.map and (self.map.is_whole or self.mapped == vid)) then
      self.map, self.mapped = usage.of(self.pool, { vid }), vid
   end
   return self.map
end

-- The file system may count what was just removed as taken for a while.
local function free_now(self)
   local free = self.pool.store:usage().free
   self.first = self.first or free
   return math.max(free, self.first + self.returned)
end

--- What would be if revisions of a volume went.
-- @tparam string vid
-- @treturn table for `space.choose`
function methods:of(vid)
   return setmetatable({ run = self, vid = vid, ids = {}, total = self.pool.store:usage().size }, of_volume)
end

--- Revisions of a volume are gone.
-- @tparam string vid
-- @tparam {string,...} ids
function methods:forget(vid, ids)
   if self.map and #ids > 0 and (self.map.is_whole or self.mapped == vid) then
      self.returned = self.returned + (self.map:freed(vid, ids) or 0)
      self.map:forget(vid, ids)
   end
end

-- making a map syncs the file system first
function of_volume:settle()
   self.run:usage(self.vid)
end

function of_volume:take(id)
   table.insert(self.ids, id)
end

function of_volume:put_back()
   table.remove(self.ids)
end

function of_volume:free()
   if #self.ids == 0 then
      return free_now(self.run)
   end
   local freed = self:freed(self.ids)
   return freed and free_now(self.run) + freed
end

function of_volume:taken()
   return self:taken_without(self.ids)
end

--- Bytes that the volume still takes once these revisions are gone.
-- @tparam {string,...} ids
-- @treturn ?integer nil: not known
-- @raise `io`, `denied`
function of_volume:taken_without(ids)
   return self.run:usage(self.vid):taken_without(self.vid, ids)
end

--- Bytes that are free when these revisions go.
-- @tparam {string,...} ids
-- @treturn ?integer nil: not known
-- @raise `io`, `denied`
function of_volume:freed(ids)
   return self.run:usage(self.vid):freed(self.vid, ids)
end

return gauge
