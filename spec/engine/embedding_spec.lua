-- What a program that loads byre must be able to rely on.
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

-- the library, used all over, in an interpreter where nobody may print or leave a trace
local script = [[
   local function globals()
      local names = {}
      for name in pairs(_G) do names[#names + 1] = tostring(name) end
      table.sort(names)
      return table.concat(names, " ")
   end
   local before, path, cpath = globals(), package.path, package.cpath
   local byre = require("byre")
   assert(globals() == before, "a global was added")
   assert(package.path == path and package.cpath == cpath)
   local dir = arg[1]
   local pool = byre.create_pool(dir, { setup_check = arg[2] == "true", revisions_to_keep = 2 })
   local disk = pool:create_volume("vm/disk", { size = "1.5M", save_on_stop = true })
   local function session(text)
      local file = assert(io.open(disk:start(), "r+b"))
      file:write(text)
      file:close()
      disk:stop()
   end
   session("one") session("two") session("three")
   assert(#disk:revisions() == 2)
   disk:revert()
   disk:resize("2M")
   local root = pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
   local swap = pool:create_volume("vm/swap", { size = 4096 })
   pool:group("vm"):start()
   assert(not root:is_outdated())
   disk:snapshot()
   pool:group("vm"):stop()
   disk:clone("vm/copy"):rename("other/copy")
   disk:import_file(arg[0])
   disk:export_file(dir .. "/exported")
   disk:set({ revisions_to_keep = 0 })
   assert(#pool:check({ repair = true }) == 0)
   local count = 0
   for volume in pool:volumes() do
      count = count + 1
      assert(math.type(volume:size()) == "integer" and math.type(volume:usage()) == "integer")
      tostring(volume:plan("start"))
   end
   assert(count == 4)
   local ok, e = pcall(pool.volume, pool, "../x")
   assert(not ok and byre.is_error(e) and e.code == "invalid")
   ok, e = pcall(pool.create_volume, pool, "x", { size = "8E" })
   assert(not ok and e.code == "invalid")
   root:remove()
   swap:remove()
   pool:close()
   assert(globals() == before, "a global was added later")
   os.exit(true, true)
]]

filesystems.each({ "btrfs", "ext4" }, function(fs)
   describe("the library", function()
      -- the script in one of the interpreters; whatever it prints
      local function run(environment)
         local base = fs:fresh()
         pools.write(base .. "/script.lua", script)
         return scratch.sh(environment .. " %s %s %s 2>&1; echo $?", base .. "/script.lua", base .. "/pool", fs.reflink)
      end

      it("adds no global and prints nothing", function()
         assert.equal("0", run("%%lua"))
      end)

      it("does the same with Lua 5.3", function()
         if not os.execute("command -v lua5.3 >/dev/null") then
            pending("needs lua5.3")
            return
         end
         local build = os.getenv("BYRE_BUILD") or "build"
         assert.equal("0", run(("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/lua/5.3/?.so;;' lua5.3")
            :format(build)))
      end)

      it("needs nothing but its core and dkjson", function()
         local loaded = scratch.sh("%%lua -e %s", [[
            local known = {}
            for name in pairs(package.loaded) do known[name] = true end
            require("byre")
            local names = {}
            for name in pairs(package.loaded) do
               if not known[name] and not name:find("^byre") then names[#names + 1] = name end
            end
            table.sort(names)
            print(table.concat(names, " "))
         ]])
         assert.equal("dkjson lpeg", (loaded:gsub("^dkjson$", "dkjson lpeg")))
      end)

      it("keeps the directory of the program and its signals as they are", function()
         local base = fs:fresh()
         pools.write(base .. "/script.lua", [[
            local unistd = require("posix.unistd")
            local function signals()
               local list = {}
               for line in io.lines("/proc/self/status") do
                  if line:find("^Sig[BIC]") then list[#list + 1] = line end
               end
               return table.concat(list, " ")
            end
            local cwd, before = unistd.getcwd(), signals()
            local byre = require("byre")
            local pool = byre.create_pool(arg[1], { setup_check = false })
            pool:create_volume("vm/disk", { size = 4096, save_on_stop = true }):start()
            local volume = pool:volume("vm/disk")
            volume:is_running()
            volume:stop()
            assert(unistd.getcwd() == cwd)
            assert(signals() == before)
         ]])
         assert.equal("0", scratch.sh("%%lua %s %s 2>&1; echo $?", base .. "/script.lua", base .. "/pool"))
      end)
   end)
end)
