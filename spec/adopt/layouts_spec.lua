-- Every tree that the recorded runs of the driver passed through is taken in and released again without losing one
-- image or revision. The recordings have no content, so each file gets one of its own.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local recordings = require("spec.conformance.recordings")
local scratch = require("spec.core.scratch")

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- shell commands that make a tree
local function commands(tree, base)
   local paths, first, lines = {}, {}, { "set -e", "mkdir -p " .. quote(base .. "/A") }
   for path in pairs(tree) do
      paths[#paths + 1] = path
   end
   table.sort(paths)
   for i, path in ipairs(paths) do
      local entry = tree[path]
      local full = quote(base .. "/" .. path:gsub("<NOW>", "2026-11-22T00:00:00"):gsub("<RND>", "abcdefgh"))
      if entry.type == "d" then
         lines[#lines + 1] = "mkdir -p " .. full
      elseif entry.type == "l" then
         lines[#lines + 1] = ("ln -s %s %s"):format(quote((entry.target:gsub("{(%a)}", base .. "/%1"))), full)
      elseif entry.ino and first[entry.ino] then
         lines[#lines + 1] = ("ln %s %s"):format(first[entry.ino], full)
      else
         first[entry.ino or i] = full
         lines[#lines + 1] = ("echo file %d > %s; truncate -s %d %s"):format(i, full, math.max(entry.size, 8), full)
      end
   end
   return table.concat(lines, "\n")
end

-- contents below a directory, one line each, without byre's own and without caches
local function contents(dir)
   return scratch.sh("cd %s && find . -path ./.byre -prune -o -type f ! -name '*-precache.img' -print0 | sort -z"
      .. " | xargs -0 -r head -qc 8 | sort", dir)
end

-- the pool directories of a tree
local function pools_of(tree)
   local found = {}
   for path in pairs(tree) do
      local dir = path:match("^(A/[^/]+)/.")
      found[dir or false] = true
   end
   found[false] = nil
   return found
end

-- the tree of a recording with the most paths in it
local function widest_tree(trace)
   local widest, most = {}, 0
   for _, step in ipairs(trace and trace.steps or {}) do
      local count = 0
      for _ in pairs(step.tree) do
         count = count + 1
      end
      if count > most then
         widest, most = step.tree, count
      end
   end
   return widest
end

local function assert_numbered(pool, label)
   for volume in pool:volumes() do
      local numbers = {}
      for _, revision in ipairs(volume:revisions()) do
         assert.is_nil(numbers[revision.seq], label)
         numbers[revision.seq] = true
      end
   end
end

-- take a directory in and release it; how many volumes were in it
local function round_trip(dir, label)
   local before = contents(dir)
   local adoption = byre.propose_adoption(dir)
   local pool, failures = adoption:run()
   assert.same({}, failures, label)
   assert.equal(before, contents(dir), label)
   assert_numbered(pool, label)
   pool:close()
   byre.release_pool(dir)
   assert.equal(before, contents(dir), label)
   return #adoption.volumes
end

filesystems.each({ "btrfs" }, function(fs)
   it("each layout of the recordings is taken in and released whole", function()
      local unpacked = fs:fresh()
      scratch.sh("cp spec/conformance/data/scenarios.json.xz %s && tar -xJf spec/conformance/data/btrfs.tar.xz -C %s",
         unpacked, unpacked)
      local set = recordings.open(unpacked)
      local trees, volumes, seen = 0, 0, {}
      for _, scenario in ipairs(set.scenarios) do
         local tree = widest_tree(set:trace("btrfs", scenario.name))
         local base = fs:fresh()
         local script = commands(tree, base)
         -- many scenarios differ in what they do, not in the files that there are
         local shape = script:gsub((base:gsub("%p", "%%%0")), "")
         if not seen[shape] then
            seen[shape] = true
            pools.write(base .. "/make.sh", script)
            scratch.sh("sh %s", base .. "/make.sh")
            for dir in pairs(pools_of(tree)) do
               trees, volumes = trees + 1, volumes + round_trip(base .. "/" .. dir, scenario.name)
            end
         end
      end
      assert.is_true(trees > 40 and volumes > 60, trees .. " trees, " .. volumes .. " volumes")
   end)
end)
