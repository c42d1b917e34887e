local compare = require("spec.conformance.compare")
local deviations = require("spec.conformance.deviations")
local observe = require("spec.conformance.observe")
local recordings = require("spec.conformance.recordings")
local filesystems = require("spec.support.filesystems")

local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local clean, precache, dirty = "A/pool/appvms/work/private.img", "A/pool/appvms/work/private-precache.img",
   "A/pool/appvms/work/private-dirty.img"

local function copy(value)
   if type(value) ~= "table" then
      return value
   end
   local t = {}
   for key, item in pairs(value) do
      t[key] = copy(item)
   end
   return t
end

local function never()
   return false
end

local function differences(step, got, is_optional)
   local lines = {}
   for i, d in ipairs(compare.step({ is_optional = is_optional or never }, step, got)) do
      lines[i] = compare.describe(d)
   end
   return lines
end

describe("a recording", function()
   local set

   setup(function()
      set = recordings.open(directory .. "/data")
   end)

   -- the last step of an operation
   local function step_of(name, operation)
      local found
      for _, step in ipairs(set:trace("btrfs", name).steps) do
         found = step.op.op == operation and step or found
      end
      return found
   end

   it("matches itself, every step of it", function()
      local count = 0
      for _, kind in ipairs({ "btrfs", "xfs", "ext4" }) do
         for _, scenario in ipairs(set.scenarios) do
            for _, step in ipairs((set:trace(kind, scenario.name) or { steps = {} }).steps) do
               assert.same({}, differences(step, copy(step)), scenario.name .. " step " .. step.i)
               count = count + 1
            end
         end
      end
      assert.is_true(count > 4000)
   end)

   local function finds(change, line, name, operation)
      local step = step_of(name or "origin-lifecycle-keep3", operation or "stop")
      local got = copy(step)
      change(got)
      assert.same({ line }, differences(step, got))
   end

   it("does not match another content", function()
      local hash = step_of("origin-lifecycle-keep3", "stop").tree[clean].sha256
      finds(function(got) got.tree[clean].sha256 = "0" end,
         ('tree %s sha256: expected "%s", got "0"'):format(clean, hash))
   end)

   it("does not match another size, mode, type or time", function()
      finds(function(got) got.tree[clean].size = 5 end, ("tree %s size: expected 1048576, got 5"):format(clean))
      finds(function(got) got.tree[clean].mode = "0644" end,
         ('tree %s mode: expected "0600", got "0644"'):format(clean))
      finds(function(got) got.tree[clean] = { type = "l" } end, ('tree %s type: expected "f", got "l"'):format(clean))
      finds(function(got) got.tree[precache].mtime = "now" end,
         ('tree %s mtime: expected "1514862248000000000", got "now"'):format(precache))
   end)

   it("does not match a missing file or one too many", function()
      finds(function(got) got.tree[clean] = nil end, ('tree %s there: expected "f", got "nothing"'):format(clean))
      finds(function(got) got.tree["A/x"] = { type = "d", mode = "0755" } end,
         'tree A/x there: expected "nothing", got "d"')
   end)

   it("matches without a precache only where there need be none", function()
      local step = step_of("origin-lifecycle-keep3", "stop")
      local got = copy(step)
      got.tree[precache], got.state.v.precache_fresh = nil, nil
      assert.equal(2, #differences(step, got))
      assert.same({}, differences(step, got, function(path)
         return path == precache or path == "@v:precache"
      end))
   end)

   it("does not match other hard links, except those of revisions", function()
      finds(function(got) got.tree[precache].ino = got.tree[clean].ino end,
         ('links %s the same file as: expected "%s", got "%s"'):format(clean, clean, precache))
      local step = step_of("origin-lifecycle-keep3", "stop")
      local got = copy(step)
      for path, e in pairs(got.tree) do
         e.ino = path:find("@", 1, true) and got.tree[clean].ino or e.ino
      end
      assert.same({}, differences(step, got))
   end)

   it("does not match a dirty image that is somebody else's too", function()
      local step = step_of("origin-lifecycle-keep3", "start")
      local got = copy(step)
      for path, e in pairs(got.tree) do
         e.ino = path:find(".img.4@", 1, true) and got.tree[dirty].ino or e.ino
      end
      assert.is_truthy(table.concat(differences(step, got)):find("^links .*expected \"nothing\""))
   end)

   it("does not match another state", function()
      finds(function(got) got.state.v.dirty = true end, "state v dirty: expected false, got true")
      finds(function(got) got.state.v.outdated = { error = { code = "corrupt", message = "m" } } end,
         "state v outdated: expected false, got error corrupt (m)")
      finds(function(got) table.remove(got.state.v.revisions, 1) end,
         'state v revisions: expected {{"3" "2018-01-02T03:04:05"} {"4" "2018-01-02T03:04:06"} '
         .. '{"5" "2018-01-02T03:04:07"}}, got {{"4" "2018-01-02T03:04:06"} {"5" "2018-01-02T03:04:07"}}')
   end)

   it("does not match another result", function()
      finds(function(got) got.result = { ok = 7 } end, "result size result: expected {ok=1048576}, got {ok=7}",
         "origin-lifecycle-keep3", "size")
      finds(function(got) got.result = { ok = {} } end,
         "result start result: expected error ENOENT ([Errno 2] No such file or directory: "
         .. "'{A}/pool/appvms/work/private.img'), got {ok={}}", "no-setup", "start")
   end)
end)

describe("an error", function()
   it("is accepted for what it means, not for any failure", function()
      local core = require("byre.core")
      assert.is_true(compare.accepts("storage_pool", { code = "dirty" }))
      assert.is_true(compare.accepts("EPERM", { code = "io", errno = core.errno.EPERM }))
      assert.is_false(compare.accepts("EPERM", { code = "io", errno = core.errno.EIO }))
      assert.is_false(compare.accepts("ENOENT", { code = "exists" }))
      assert.is_false(compare.accepts("storage_pool", { class = "ENOENT" }))
   end)

   it("is not accepted if it is a bug", function()
      assert.is_true(compare.accepts("TypeError", { misuse = "x.lua:1: a volume id is a string" }))
      assert.is_false(compare.accepts("TypeError", { misuse = "x.lua:1: attempt to index a nil value" }))
      assert.is_false(compare.accepts("storage_pool", { misuse = "x.lua:1: a volume id is a string" }))
   end)
end)

describe("what is seen", function()
   it("has roots, dates of today and random names replaced", function()
      local roots = { A = "/mnt/x.y/1", E = "/mnt/x.y/12" }
      assert.equal("{A}/pool", observe.normalise("/mnt/x.y/1/pool", roots))
      assert.equal("'{E}/pool' {A}", observe.normalise("'/mnt/x.y/12/pool' /mnt/x.y/1", roots))
      assert.equal("v.img.1@<NOW>Z~<RND>", observe.normalise(os.date("!v.img.1@%Y-%m-%dT%H:%M:%SZ~a1_b2c3d"), roots))
      assert.equal("v.img.1@2018-01-02T03:04:05Z", observe.normalise("v.img.1@2018-01-02T03:04:05Z", roots))
   end)
end)

describe("the list of deviations", function()
   it("names scenarios that exist, each with one reason a user can read", function()
      local set = recordings.open(directory .. "/data")
      local known, ids = {}, {}
      for _, scenario in ipairs(set.scenarios) do
         known[scenario.name] = true
      end
      for _, rule in ipairs(deviations.rules) do
         assert.is_nil(ids[rule.id])
         ids[rule.id] = true
         assert.is_true(#rule.why > 30 and not rule.why:find("\n"), rule.id)
         for _, name in ipairs(rule.scenarios) do
            assert.is_true(known[name], name)
         end
      end
   end)

   it("is held against what really happens", function()
      assert.equal("failed", (deviations.judge("name-1", "btrfs", nil)))
      assert.equal("passed", (deviations.judge("subvolumes", "btrfs", nil)))
      assert.equal("passed", (deviations.judge("btrfs-subvolume-vmdir", "xfs", nil)))
   end)
end)

describe("byre", function()
   for _, kind in ipairs({ "btrfs", "xfs", "ext4" }) do
      it("does on " .. kind .. " what the driver does", function()
         for _, name in ipairs({ "btrfs", "xfs", "ext4" }) do
            local fs, reason = filesystems.get(name)
            if not fs then
               pending(reason)
               return
            end
         end
         local pipe = assert(io.popen(("lua5.4 '%s/run.lua' --fs %s -v 2>&1"):format(directory, kind)))
         local output = pipe:read("a")
         assert.is_true(pipe:close(), output)
         assert.is_truthy(output:find("\n%d+ passed, 0 failed, %d+ deviating\n$"), output)
         assert.is_nil(output:match("[^\n]*, unlisted%]"))
      end)
   end
end)
