--- Decide: what goes into the trash, and what leaves it because its time is up.
--
-- Pure. A revision in the trash is its file under another name in the same directory: no directory of volumes need be
-- one subvolume with another, and a rename within one directory is whole or not at all after a power cut. So a cut
-- leaves a removed revision as it was, or in the trash.
-- @module byre.decide.trash
local catalog = require("byre.catalog")
local layout = require("byre.layout")
local plan = require("byre.plan")

local duration = require("byre.retention.duration")
local zone = require("byre.retention.zone")

local trash = {}

-- the clock is noted this often, in seconds
local clock_interval = 3600

-- the most that the clock may go ahead unseen, in seconds, where nobody keeps it right
local shortest_jump = 86400

-- What the clock is worth: "right"; "ahead": it may have gone ahead since it was noted last; "wrong". One that the
-- kernel knows to be right is, whatever was noted.
local function judge_clock(state)
   local mark, synchronised = state.clock.mark, state.clock.synchronised
   if state.clock.damaged then
      return "wrong"
   elseif synchronised then
      return "right"
   elseif not mark then
      return "ahead"
   elseif mark.synchronised and synchronised == false or state.now < mark.latest then
      return "wrong"
   end
   return state.now - mark.latest > shortest_jump and "ahead" or "right"
end

-- when the clock was found ahead while an entry was there already: its window counts anew from then on; nil: never
local function was_spared(state, entry)
   local ahead = state.clock.mark and state.clock.mark.ahead
   return ahead and entry.removed <= ahead and ahead or nil
end

--- When does an entry leave the trash?
-- @tparam table state of `byre.survey`
-- @tparam table entry of `state.trash`
-- @treturn ?integer epoch; nil: nothing leaves this trash by its age, since it is off
function trash.expires(state, entry)
   local window = state.config.trash
   return window and duration.after(window, zone.utc, was_spared(state, entry) or entry.removed) or nil
end

--- The entries whose time is up. A strange clock takes nothing away: an entry of the future stays, and so does
-- everything while the clock is behind what was noted or no longer synchronised; where it has gone ahead each entry
-- gets its window once more, and only once: clocks of volumes that are seldom looked at always seem to go ahead.
-- @tparam table state
-- @treturn {table,...} of `state.trash`
function trash.expired(state)
   local list = {}
   local clock = state.config.trash and #state.trash > 0 and judge_clock(state) or "wrong"
   for _, entry in ipairs(clock ~= "wrong" and state.trash or {}) do
      local is_sure = clock == "right" or was_spared(state, entry)
      if is_sure and entry.removed <= state.now and trash.expires(state, entry) <= state.now then
         list[#list + 1] = entry
      end
   end
   return list
end

--- Step that notes the clock, where the trash of a volume is in use; nil: it need not be noted again.
-- @tparam table state
-- @tparam boolean fills whether the plan puts something there
-- @treturn ?step
function trash.note_clock(state, fills)
   if not state.config.trash or not fills and #state.trash == 0 then
      return nil
   end
   local clock, mark, synchronised = judge_clock(state), state.clock.mark, state.clock.synchronised or nil
   local late = not mark or state.now >= mark.latest + clock_interval or synchronised and state.now < mark.latest
   if clock == "wrong" or not (late or synchronised and not mark.synchronised) then
      return nil
   end
   return plan.write(layout.trash_clock, catalog.encode({ latest = state.now, synchronised = synchronised,
      ahead = clock == "ahead" and #state.trash > 0 and state.now or mark and mark.ahead }))
end

--- Does what is taken away from a volume go into the trash?
-- @tparam table state
-- @tparam[opt] table options `trash = false`: not this time
-- @treturn boolean
function trash.is_used(state, options)
   return state.config.trash ~= nil and (options or {}).trash ~= false
end

--- Steps that take revisions away: into the trash, or for good.
-- @tparam table state
-- @tparam {string,...} paths
-- @tparam[opt] table options see `trash.is_used`
-- @treturn {step,...}
-- @treturn {string,...} those whose notes go as well: none that is in the trash
function trash.take_away(state, paths, options)
   local steps, gone = {}, {}
   for i, path in ipairs(paths) do
      if trash.is_used(state, options) then
         steps[i] = plan.rename(path, layout.trash(path, state.now))
      else
         steps[i], gone[#gone + 1] = plan.unlink(path), path
      end
   end
   return steps, gone
end

--- Steps that take entries out of the trash for good.
-- @tparam {table,...} entries of `state.trash`
-- @treturn {step,...}
-- @treturn {string,...} paths as of `trash.take_away`
function trash.empty(entries)
   local steps, gone = {}, {}
   for i, entry in ipairs(entries) do
      steps[i], gone[i] = plan.unlink(entry.path), entry.home
   end
   return steps, gone
end

return trash
