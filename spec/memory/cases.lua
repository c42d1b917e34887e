--- What is done while allocations fail: everything that byre.core has, and operations of the engine.
-- Runs in a program that has byre built in, with Lua 5.4 or 5.3: nothing else of the specs is to be had here.
local byre = require("byre")
local core = require("byre.core")

local cases = {}

-- name -> what is done and what may be found afterwards; the names in order
local by_name, names = {}, {}

local size = 128 * 1024

-- the results, or an error, as of the engine's own calls
local function must(...)
   if (...) == nil then
      error((select(2, ...)), 2)
   end
   return ...
end

local function put(path, text)
   local file = assert(io.open(path, "r+b"))
   assert(file:write(text, ("\0"):rep(64 - #text)))
   file:close()
end

local function get(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read(64)
   file:close()
   return (text:gsub("\0+$", ""))
end

local function write(path, text)
   local file = assert(io.open(path, "wb"))
   assert(file:write(text))
   file:close()
end

local function session(volume, text)
   put(volume:start(), text)
   volume:stop()
end

--- Names, descriptors and attributes: `byre.core` without the content of files.
local function use_names(dir)
   local d = must(core.open_dir(dir, { follow = true }))
   must(d:make_dir("a", 448))
   must(d:make_dir("a/b", 448, "exact"))
   local b = must(d:open_dir("a/b"))
   tostring(b)
   assert(b:fileno() > d:fileno())
   local file = must(d:tmpfile("a/one"))
   must(file:write("content"))
   must(file:publish("a/one"))
   file:close()
   file = must(d:tmpfile("a/one"))
   must(file:publish("a/one", true))
   file:close()
   core.inject_errors({ tmpfile = core.errno.EOPNOTSUPP })
   file = must(d:tmpfile("a/two"))
   core.inject_errors({})
   tostring(file)
   file:close()
   must(d:link("a/one", "a/b/two"))
   must(d:rename("a/b/two", "3", "noreplace"))
   must(d:rename("3", "three", "noreplace"))
   must(d:chmod("three", 384))
   local hold = must(d:hold())
   assert(d:is_held())
   assert(must(d:stat("a/one")).nlink == 2 and must(d:read("a/one")) == "")
   tostring(hold)
   hold:release()
   assert(must(d:stat("three")).nlink == 2)
   assert(d:stat("missing") == nil and not d:rename("missing", "four"))
   assert(#must(d:list("a")) == 2 and #must(d:list(".", "th")) == 1)
   assert(#must(d:sizes("a", { "one", "two" })) == 2)
   local revisions = core.find_revisions({ "d.img.1@2026-01-01T00:00:00Z", "d.img" }, "d", "a/")
   assert(#revisions == 1 and revisions[1].seq == 1)
   must(d:link("three", "d.img.2@2026-01-01T00:00:00Z"))
   assert(must(d:find_revisions(".", "d", ""))[1].id == "2")
   for name, kind in d:each(".") do
      assert(name and kind)
   end
   for name in must(d:each("a")) do
      if name then
         break
      end
   end
   must(d:sync())
   must(d:sync("a"))
   must(d:sync_filesystem())
   assert(must(d:usage()).size > 0)
   local lock = must(d:lock("lock", "exclusive", 0))
   assert(lock:fileno() and tostring(lock))
   assert(not d:lock("lock", "shared", 0))
   lock:release()
   must(d:lock("lock", "shared", 0)):close()
   must(d:unlink("three"))
   must(d:remove_dir("a/b"))
   b:close()
   d:close()
end

--- Who has which blocks.
local function use_maps(one, two)
   must(core.basis(one))
   for _, basis in ipairs({ "extents", "fiemap", "data" }) do
      local difference = core.difference(one, two, basis)
      while difference and difference:next() do end
      if difference then
         difference:close()
      end
      local shares = basis ~= "data" and must(core.shares(basis))
      if shares and shares:add(one) and shares:add(two) then
         must(shares:settle())
         assert(shares:allocated(1) >= shares:exclusive(1) and shares:union({ 1, 2 }) == shares:total())
         shares:take(1)
         assert(shares:freed() >= 0 and shares:is_snapshotted() ~= nil)
         shares:put_back(1)
      end
      if shares then
         shares:close()
      end
   end
end

-- a script in a state of its own, here and in a child process
local function use_sandbox()
   for _, child_seconds in ipairs({ false, 10 }) do
      local answer, message, limit = core.sandbox({ guard = "return (...)", name = "=guard", services = {},
         input = { "text" }, memory = 1 << 20, instructions = 10000, seconds = 5,
         child_seconds = child_seconds or nil })
      -- without memory it ends at a limit, of the state or of the child process, and says which
      assert(answer and answer[1] == "text" or limit and limit ~= "", message)
   end
end

--- Content, other programs.
local function use_content(dir)
   local d = must(core.open_dir(dir))
   local one, two = must(d:tmpfile("one")), must(d:tmpfile("two"))
   must(one:truncate(size))
   must(one:allocate(0, 8192))
   must(one:write(("x"):rep(20000), 4096))
   must(one:punch(8192, 4096))
   assert(#must(one:read(10000, 4096)) == 10000)
   assert(#must(one:read_all()) == size and not one:read_all(10))
   must(one:chmod(416))
   must(one:set_cow_extent_size(0))
   assert((one:cow_extent_size() or 0) == 0)
   must(one:set_mtime(1, 2))
   must(one:stat())
   must(one:sync())
   must(one:sync_filesystem())
   must(two:copy_from(one, { progress = function(done, total) return done <= total end }))
   must(two:fill_from(one, { reflink = "auto" }))
   assert(two:fill_from(one, { reflink = "never", progress = function() return false end }) == nil)
   two:clone_from(one)
   two:same_extents(one)
   two:next_data(0)
   one:extents()
   one:regions(65536)
   use_maps(one, two)
   must(one:publish("one"))
   local reader = must(d:open("one", "r"))
   assert(reader:fileno() and must(reader:has_writers()) and reader:has_users() ~= nil)
   assert(must(core.find_writer(reader)))
   one:close()
   two:close()
   assert(#must(core.loop_devices(reader)) == 0)
   assert(not core.loop_set_capacity("/dev/null"))
   must(core.reflink_supported(d))
   assert(must(core.noreplace_supported(d, "one", "moved")) and must(core.noreplace_supported(d, "moved", "one")))
   assert(must(core.openat2_supported(d)) and core.is_nocow(d) == false and core.is_nocow(reader) == false)
   core.btrfs_space(d)
   local output = must(core.open(dir .. "/two", "w"))
   local result = must(core.spawn({ "sh", "-c", "cat; echo said >&2" }, { stdin = reader, stdout = output }))
   assert(result.stderr == "said\n")
   assert(#must(core.spawn({ "cat" }, { stdin = reader, watch = function(text) return text == "" end })).stdout == 0)
   assert(core.spawn({ "/missing/program" }) == nil)
   output:close()
   reader:close()
   assert(core.clock() > 0 and core.now() > 0 and core.pid() > 0 and core.euid() >= 0)
   core.sleep(0)
   assert(core.clock_is_synchronised() ~= nil and core.parse_stamp("2026-01-01T00:00:00"))
   assert(#must(core.random_name()) == 8)
   d:close()
end

local function open(dir)
   return byre.open_pool(dir .. "/pool", { lock_timeout = 1 })
end

-- a pool with a volume of two revisions, a snapshot of it and one that forgets
local function populate(dir)
   local pool = byre.create_pool(dir .. "/pool", { setup_check = false, revisions_to_keep = 2 })
   local disk = pool:create_volume("vm/disk", { size = size, save_on_stop = true })
   session(disk, "one")
   session(disk, "two")
   pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
   pool:create_volume("vm/swap", { size = size })
   return pool, disk
end

local function add(name, case)
   by_name[name] = case
   names[#names + 1] = name
end

-- An operation on that pool: what it is, what "vm/disk" may hold after it (default: what it held), what comes first.
local function operation(name, run, contents, prepare)
   add(name, {
      contents = contents or { two = true }, run = run,
      prepare = function(dir)
         local pool, disk = populate(dir)
         if prepare then
            prepare(pool, disk, dir)
         end
         pool:close()
         return function()
            local opened = open(dir)
            run(opened, opened:volume("vm/disk"), dir)
            opened:close()
         end
      end,
   })
end

local function start(_, disk)
   put(disk:start(), "three")
end

add("names", { prepare = function(dir) return function() use_names(dir) end end })
add("content", { prepare = function(dir) return function() use_content(dir) end end })
-- by itself: a process for each allocation takes its time
add("sandbox", { prepare = function() return use_sandbox end })
add("create_pool", {
   contents = {},
   prepare = function(dir)
      return function() byre.create_pool(dir .. "/pool", { setup_check = false }):close() end
   end,
   retry = function(dir, done)
      local ok, e = pcall(open, dir)
      assert(ok or not done and e.code == "no_such_pool", e)
      if not ok then
         byre.create_pool(dir .. "/pool", { setup_check = false }):close()
      end
   end,
})
operation("list", function(pool)
   for volume in pool:volumes("vm/*") do
      volume:status()
      volume:files()
      tostring(volume:plan("start"))
   end
   pool:usage()
   pool:space():of({ "vm/disk", "vm/disk@1" })
end)
operation("diff", function(_, disk)
   for offset, length in disk:diff("1"):ranges() do
      assert(offset >= 0 and length > 0)
   end
end)
operation("create", function(pool)
   pool:create_volume("vm/new", { size = "64K", save_on_stop = true, revisions_to_keep = 0 })
end)
operation("start", function(_, disk) disk:start() end)
operation("start_many", function(pool) pool:group("vm"):start() end)
operation("stop", function(_, disk) disk:stop() end, { two = true, three = true }, start)
operation("stop_many", function(pool) pool:group("vm"):stop() end, { two = true, three = true }, function(pool, disk)
   start(pool, disk)
   pool:start({ "vm/root", "vm/swap" })
end)
operation("snapshot", function(_, disk) disk:snapshot({ tag = "kept", note = "why" }) end)
operation("revert", function(_, disk) disk:revert() end, { one = true, two = true })
operation("revert_discard", function(_, disk) disk:revert(nil, { discard = true }) end, { one = true, two = true },
   start)
operation("clone", function(_, disk) disk:clone("other/copy") end)
operation("import", function(pool, disk) disk:import_volume(pool:volume("vm/from")) end, { two = true, from = true },
   function(pool) session(pool:create_volume("vm/from", { size = size, save_on_stop = true }), "from") end)
operation("import_file", function(_, disk, dir) disk:import_file(dir .. "/file") end, { two = true, file = true },
   function(_, _, dir) write(dir .. "/file", "file") end)
operation("export_file", function(_, disk, dir) disk:export_file(dir .. "/exported") end)
operation("resize", function(_, disk) disk:resize(2 * size) end)
operation("rename", function(pool) pool:volume("vm/swap"):rename("other/swap") end)
operation("rename_group", function(pool) pool:group("other"):rename("another") end, nil, function(pool)
   pool:volume("vm/swap"):rename("other/swap")
end)
operation("set", function(_, disk) disk:set({ revisions_to_keep = 1 }) end)
operation("set_pool", function(pool) pool:set({ revisions_to_keep = 1 }) end)
operation("remove", function(pool) pool:volume("vm/swap"):remove() end)
operation("remove_history", function(pool, disk)
   pool:volume("vm/root"):remove()
   disk:remove()
end, { two = true, none = true })
operation("repair", function(pool) pool:check({ repair = true }) end, nil, function(_, _, dir)
   write(dir .. "/pool/vm/disk.img~abcdefgh", "left")
end)

-- every file below a directory
local function each_file(dir, path, found)
   for name, kind in must(dir:each(path)) do
      local full = path == "." and name or path .. "/" .. name
      if kind == "directory" then
         each_file(dir, full, found)
      end
      found(full, kind)
   end
end

local function temporaries(pool_dir)
   local dir = must(core.open_dir(pool_dir))
   local list = {}
   each_file(dir, ".", function(path)
      if path:find("~") then
         list[#list + 1] = path
      end
   end)
   dir:close()
   return list
end

local function check_named(pool)
   local named = {}
   for _, finding in ipairs(pool:check()) do
      named[finding.path or ""] = true
   end
   for _, path in ipairs(temporaries(pool.dir)) do
      assert(named[path], path .. ": no check names it")
   end
end

local function check_repaired(pool)
   pool:check({ repair = true })
   for _, finding in ipairs(pool:check()) do
      error(("%s: %s (%s)"):format(finding.path, finding.message, finding.code))
   end
   assert(#temporaries(pool.dir) == 0)
end

local function check_content(pool, contents)
   local there = pcall(pool.volume, pool, "vm/disk")
   local text = there and get(pool.dir .. "/vm/disk.img") or "none"
   assert(contents[text], "the content is " .. text)
end

-- what has been done is refused, and nothing else
local function try_again(case, pool, dir)
   local there, disk = pcall(pool.volume, pool, "vm/disk")
   local ok, e = pcall(case.run, pool, there and disk, dir)
   assert(ok or not there or e.code == "exists" or e.code == "no_such_volume", e)
end

local function use_volumes(pool)
   for volume in pool:volumes() do
      volume:verify()
      volume:start()
      volume:stop({ discard = volume.kind == "origin" })
   end
end

local function check_pool(case, dir, done)
   if case.retry then
      case.retry(dir, done)
   end
   local pool = byre.open_pool(dir .. "/pool", { lock_timeout = 0 })
   check_named(pool)
   check_repaired(pool)
   if case.run then
      check_content(pool, case.contents)
      if not done then
         try_again(case, pool, dir)
      end
   end
   use_volumes(pool)
   pool:close()
end

--- Begin with nothing.
function cases.clear(_, path)
   local dir = must(core.open_dir(path))
   local directories = {}
   each_file(dir, ".", function(name, kind)
      if kind == "directory" then
         directories[#directories + 1] = name
      else
         must(dir:unlink(name))
      end
   end)
   for _, name in ipairs(directories) do
      must(dir:remove_dir(name))
   end
   dir:close()
end

--- The names of all cases, in a line.
function cases.list()
   return table.concat(names, " ")
end

--- What runs while allocations fail.
function cases.prepare(name, dir)
   core.inject_errors({})
   return by_name[name].prepare(dir)
end

--- Whether this is how a lack of memory may show.
function cases.is_expected(e)
   local text = tostring(e)
   return text:find("not enough memory") or text:find("Cannot allocate memory")
end

--- Raise what is wrong after a case.
function cases.check(name, dir, done)
   core.inject_errors({})
   if by_name[name].contents then
      check_pool(by_name[name], dir, done)
   else
      assert(#temporaries(dir) == 0, "a temporary file is left")
   end
end

return cases
