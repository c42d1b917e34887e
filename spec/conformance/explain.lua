--- What the rules of `spec.conformance.deviations` ask about a step that differs.
--
-- A step is what `spec.conformance.replay` gives. Every question is narrow: it looks at all differences of the step, so
-- that nothing hides behind a difference that is known.
-- @module spec.conformance.explain
local observe = require("spec.conformance.observe")

local explain = {}

--- Is the operation one of these?
function explain.is(step, ...)
   for _, name in ipairs({ ... }) do
      if step.op.op == name then
         return true
      end
   end
   return false
end

--- Do all differences satisfy a predicate?
function explain.all(step, predicate)
   for _, difference in ipairs(step.differences) do
      if not predicate(difference) then
         return false
      end
   end
   return true
end

--- The volume object of the step, if it came into being.
function explain.volume(step)
   return step.op.vol and step.world.volumes[step.op.vol]
end

--- The source of the step's volume.
function explain.source(step)
   local volume = explain.volume(step)
   return volume and volume.source
end

--- The key of an image in a tree.
function explain.key(step, volume, suffix)
   return (observe.normalise(volume:image(suffix), step.world.roots):gsub("^{(%a)}", "%1"))
end

--- An image of the step's volume in a tree.
function explain.image(step, tree, suffix)
   local volume = explain.volume(step)
   return volume and tree[explain.key(step, volume, suffix)]
end

-- inodes are compared too: nothing was replaced by a copy of itself
local function same_tree(a, b)
   for path, e in pairs(a) do
      local other = b[path]
      for _, field in ipairs({ "type", "size", "mode", "sha256", "target", "ino", "mtime_ns" }) do
         if not other or e[field] ~= other[field] then
            return false
         end
      end
   end
   for path in pairs(b) do
      if not a[path] then
         return false
      end
   end
   return true
end

--- Did the step leave every file as it was?
function explain.nothing_changed(step)
   return same_tree(step.before, step.got.tree)
end

--- Did byre refuse, with this code and without touching anything, what the driver did?
function explain.refused(step, code)
   local e = step.got.result.error
   return e ~= nil and e.code == code and not step.expected.result.error and explain.nothing_changed(step)
end

--- Did the driver fail and byre succeed?
function explain.succeeded(step)
   return step.expected.result.error ~= nil and step.got.result.error == nil
end

--- Did both fail?
function explain.both_failed(step)
   return step.expected.result.error ~= nil and step.got.result.error ~= nil
end

--- Is the clean image now what the dirty one was?
function explain.committed(step)
   local dirty = explain.image(step, step.before, "-dirty.img")
   local clean = explain.image(step, step.got.tree, ".img")
   return dirty and clean and dirty.sha256 == clean.sha256 and dirty.size == clean.size
end

local function is_revision(path)
   return path:find("%.img%.%d+@[^/]*$") ~= nil
end

--- Is there, apart from revisions that byre has and the driver has not, no difference?
function explain.more_history(step)
   return explain.all(step, function(d)
      if d.kind == "tree" then
         return d.field == "there" and d.expected == "nothing" and is_revision(d.where)
      elseif d.kind ~= "state" or d.field ~= "revisions" or d.expected.error or d.got.error then
         return false
      end
      local got = {}
      for _, revision in ipairs(d.got) do
         got[revision[1] .. "@" .. revision[2]] = true
      end
      for _, revision in ipairs(d.expected) do
         if not got[revision[1] .. "@" .. revision[2]] then
            return false
         end
      end
      return true
   end)
end

--- Is there no difference but files that byre keeps and the driver removed, all with names that satisfy a predicate?
function explain.keeps(step, predicate)
   return explain.all(step, function(d)
      return d.kind == "tree" and d.field == "there" and d.expected == "nothing" and predicate(d.where)
   end)
end

--- Is every difference a time of content: where the driver has the time of its copy, byre has that of the last write?
function explain.keeps_times(step)
   return explain.all(step, function(d)
      if d.kind ~= "tree" or d.field ~= "mtime" or d.expected ~= "now" then
         return false
      end
      local now = step.got.tree[d.where]
      -- the same content had this time already
      for _, e in pairs(step.before) do
         if e.sha256 == now.sha256 and e.mtime_ns == now.mtime_ns and e.size == now.size then
            return true
         end
      end
      return false
   end)
end

--- Is a difference only a revision whose time is one second later in the recording?
function explain.is_a_second_late(d)
   if d.kind == "tree" then
      return d.field == "there" and is_revision(d.where)
   elseif d.kind ~= "state" or d.field ~= "revisions" or #d.expected ~= #d.got then
      return false
   end
   for i, revision in ipairs(d.expected) do
      local wanted, is = observe.parse_time(revision[2]), observe.parse_time(d.got[i][2])
      if revision[1] ~= d.got[i][1] or revision[2] ~= d.got[i][2] and not (wanted and is and wanted - is == 1) then
         return false
      end
   end
   return true
end

local function refuses_component(component)
   return component == "" or #component > 100 or component:find("^[.-]") or component:find("[^A-Za-z0-9_.+:-]")
      or component:find(".img", 1, true)
end

--- Does a vid break a rule of the design?
function explain.is_unsafe(vid)
   local count = 0
   for component in (vid .. "/"):gmatch("([^/]*)/") do
      count = count + 1
      if refuses_component(component) then
         return true
      end
   end
   return count > 8 or vid:find("-dirty$") or vid:find("-precache$") or vid:find("-import$")
end

--- Is every difference byre's refusal to look through a symbolic link?
function explain.meets_symlink(step)
   local found = false
   for path, e in pairs(step.got.tree) do
      found = found or e.type == "l" and not path:find("^%a/[^/]*$")
   end
   return found and explain.all(step, function(d)
      local e = (d.kind == "result" or d.kind == "state") and type(d.got) == "table" and d.got.error
      return e and e.code == "corrupt" or d.kind == "state" and d.field == "precache_fresh"
   end)
end

return explain
