local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local hostile = require("spec.retention.hostile")
local pools = require("spec.support.pools")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("pruning", function()
      local pool, volume, events

      before_each(function()
         events = {}
         pool = pools.create(fs, { log = function(event) events[#events + 1] = event end })
         volume = pools.origin(pool, "vm/disk")
      end)

      after_each(function() pool:close() end)

      local function sessions(n)
         pools.sessions(volume, n)
      end

      local function warning()
         for i = #events, 1, -1 do
            if events[i].step == "warning" then
               return events[i].message
            end
         end
      end

      it("can be drawn before anything goes", function()
         local e = select(2, pcall(volume.calendar, volume))
         assert.equal("invalid", e.code)
         assert.equal("byre: vm/disk: no policy is meant for it, it keeps a number of revisions", tostring(e))
         -- set by somebody else, who has the same pool open
         local other = byre.open_pool(pool.dir)
         other:set_policy("few", "return policy { keep.last(1), min_age = 0 }", { pattern = "vm/disk" })
         other:close()
         sessions(3)
         assert.equal("few", pool:prune({ dry_run = true }).volumes[1].policy:match("(%w+)%.lua$"))
         local data = volume:calendar()
         assert.equal("few", data.policy)
         local html = require("byre.retention.calendar").html(data)
         assert(html:find("Of 3 revisions 1 remain", 1, true), html:match("Of %d+ revisions[^<]*"))
         assert.equal(3, #volume:revisions())
      end)

      -- agree to whatever would go
      local function confirm(options)
         local all = { dry_run = true }
         for key, value in pairs(options or {}) do
            all[key] = value
         end
         return pool:prune({ confirm = pool:prune(all).hash })
      end

      it("goes by the policy of the pool, after somebody has agreed to it", function()
         pool:set_policy("two", "return policy { keep.last(2), min_age = 0 }")
         sessions(5)
         assert.same({ 1, 2, 3, 4, 5 }, pools.numbers(volume))
         assert.is_truthy(warning():find("the policy is new or has changed", 1, true))
         local shown = pool:prune()
         assert.equal("the policy is new or has changed", shown.volumes[1].unconfirmed)
         assert.same({ 1, 2, 3, 4, 5 }, pools.numbers(volume))
         assert.has_error(function() pool:prune({ confirm = "0123456789abcdef" }) end)
         local done = pool:prune({ confirm = shown.hash })
         assert.same({ "1", "2", "3" }, done.volumes[1].removed)
         assert.same({ 4, 5 }, pools.numbers(volume))
         assert.is_nil(pool:prune().hash)
      end)

      it("is done at each stop once the policy is known", function()
         pool:set_policy("two", "return policy { keep.last(2), min_age = 0 }")
         sessions(3)
         confirm()
         sessions(3)
         assert.same({ 5, 6 }, pools.numbers(volume))
         pool:set_policy("two", "return policy { keep.last(1), min_age = 0 }")
         sessions(1)
         assert.same({ 5, 6, 7 }, pools.numbers(volume))
      end)

      it("goes by the volume's own policy, by one for a pattern, or by a number", function()
         pool:set_policy("all", "return policy { keep.last(9), min_age = 0 }")
         pool:set_policy("some", "return policy { keep.last(8), min_age = 0 }", { pattern = "vm/d*" })
         pool:set_policy("own", "return policy { keep.last(7), min_age = 0 }", { unused = true })
         pools.origin(pool, "vm/other", { retention = "own" })
         pools.origin(pool, "db/other")
         pools.origin(pool, "db/count", { revisions_to_keep = 4 })
         local used = {}
         for _, item in ipairs(pool:prune({ dry_run = true }).volumes) do
            used[item.volume] = item.policy or "number"
         end
         assert.same({ ["vm/disk"] = ".byre/policy/some.lua", ["vm/other"] = ".byre/policy/own.lua",
            ["db/other"] = ".byre/policy/all.lua", ["db/count"] = "number" }, used)
         pool:unset_policy({ pattern = "vm/d*" })
         pool:unset_policy()
         assert.is_nil(pool:volume("vm/disk"):plan("prune").prune.policy)
         local list = pool:policies()
         assert.same({ "all", "own", "some" }, { list[1].name, list[2].name, list[3].name })
         assert.is_false(list[1].default)
      end)

      it("refuses two policies for one volume, and removes nothing where there are two all the same", function()
         pool:set_policy("a", "return policy { keep.last(1), min_age = 0 }", { pattern = "vm/*" })
         local ok, e = pcall(pool.set_policy, pool, "b", "return policy { keep.last(1) }", { pattern = "*/disk" })
         assert.is_false(ok)
         assert.equal("byre: vm/disk: it would have two policies for one volume: a and b", tostring(e))
         pool:set_policy("b", "return policy { keep.last(1) }", { pattern = "*/new" })
         volume = pools.origin(pool, "vm/new")
         sessions(3)
         assert.same({ 1, 2, 3 }, pools.numbers(volume))
         local result = pool:prune({ volumes = { "vm/new" } })
         assert.equal(("byre: vm/new: two policies for one volume: a and b; both are meant for it by a pattern"),
            tostring(result.failures[1].error))
         ok, e = pcall(volume.set, volume, { retention = "a", revisions_to_keep = 3 })
         assert.is_false(ok)
         assert.is_truthy(tostring(e):find("two policies for one volume", 1, true))
      end)

      it("leaves alone what a guard keeps", function()
         pool:set_policy("none", "return policy(function(list) for _, r in ipairs(list) do r:expire 'all' end end)")
         sessions(3)
         local function guards_now()
            local list = {}
            for i, item in ipairs(volume:plan("prune").prune.revisions) do
               list[i] = item.guard
            end
            return list
         end
         assert.same({ "younger than 3600 s", "younger than 3600 s", "the newest" }, guards_now())
         pool:set_policy("none", [[return policy { min_age = 0,
            function(list) for _, r in ipairs(list) do r:expire "all" end end }]])
         assert.same({ nil, nil, "the newest" }, { [3] = guards_now()[3] })
         volume:annotate("1", { hold_until = true })
         local file = assert(io.open(volume:revision("2").path, "rb"))
         finally(function() file:close() end)
         local expected = core.open(volume:revision("2").path):has_users() and "in use" or nil
         assert.same({ "held", expected, "the newest" }, { guards_now()[1], guards_now()[2], guards_now()[3] })
      end)

      it("tells until when each stays, if that is asked for, and changes nothing", function()
         pool:set_policy("p", "return policy { keep.last(3), min_age = 0 }")
         sessions(4)
         local options = { dry_run = true, volumes = { volume } }
         assert.is_nil(pool:prune(options).volumes[1].revisions[4].goes_at)
         options.forecast = true
         local before = pools.listing(pool.dir)
         local list = pool:prune(options).volumes[1].revisions
         assert.equal(before, pools.listing(pool.dir))
         assert.is_nil(list[1].goes_at)
         assert.is_true(list[1].removed)
         -- one goes for each that is made, hour by hour
         assert.equal(3600, list[3].goes_at - list[2].goes_at)
         assert.equal(3600, list[4].goes_at - list[3].goes_at)
         assert.is_true(list[2].goes_at > os.time())
         options.policy = "return policy { keep.last(1), keep.tagged 'x', min_age = 0, floor = 500 }"
         assert.is_nil(pool:prune(options).volumes[1].revisions[4].goes_at)
      end)

      it("removes nothing by a policy that is wrong, and says where it is", function()
         pool:set_policy("p", "return policy { keep.last(1), min_age = 0 }")
         sessions(3)
         local wrong = {
            ["return policy {\n   keep.daily(-1) }"] = ':2: keep.daily: -1 is negative; a count is 0 or more',
            ["return policy {\n   keep.daily '7dd' }"] = ':2: keep.daily: "7dd": there is no unit "dd"; ',
            ["return policy {\n   keep.daily '7m' }"] = ':2: keep.daily: "7m": a bare "m" is refused',
            ["\nreturn policy { keep.last(1), floors = 2 }"] = ":2: policy: there is no option floors",
            ["\n\nreturn policy { keep.last(1), tz = 'Mars/Base' }"] = ':3: tz: there is no zone "Mars/Base"',
            ["return 1"] = ":1: a policy file returns policy",
            [""] = ":1: a policy file returns policy",
            ["return policy { keep.last(1), space { free = '100%' } }"] = ":1: space: free: 100% of a file system",
            ["return policy { keep.last(1), floor = 1,\n floor = 2 }"] = ":2: floor is given twice in one table",
            ["return policy {}"] = ":1: policy: it has no rule",
            ["return policy(function(list)\n return list.x.y end)"] = ":2: ",
         }
         for text, message in pairs(wrong) do
            pools.write(pool.dir .. "/.byre/policy/p.lua", text)
            local result = pool:prune()
            assert.equal("invalid", result.failures[1].error.code)
            assert.is_truthy(tostring(result.failures[1].error):find("byre: .byre/policy/p.lua" .. message, 1, true),
               tostring(result.failures[1].error))
            assert.equal(text:find("function") ~= nil, (pcall(pool.set_policy, pool, "q", text, { unused = true })))
         end
         os.remove(pool.dir .. "/.byre/policy/p.lua")
         assert.equal('byre: "p": there is no policy of this name in the pool',
            tostring(pool:prune().failures[1].error))
         sessions(1)
         assert.same({ 1, 2, 3, 4 }, pools.numbers(volume))
      end)

      it("waits for somebody where the clock has gone back", function()
         pool:set_policy("p", "return policy { keep.last(3), min_age = 0 }")
         sessions(4)
         confirm()
         pools.write(pool.dir .. "/.byre/clock.json", ('{"latest":%d}'):format(core.now() + 1000))
         sessions(1)
         assert.same({ 2, 3, 4, 5 }, pools.numbers(volume))
         assert.is_truthy(warning():find("the clock is behind", 1, true))
         confirm()
         assert.same({ 3, 4, 5 }, pools.numbers(volume))
         sessions(1)
         assert.same({ 4, 5, 6 }, pools.numbers(volume))
      end)

      it("sees settings that another process has changed", function()
         sessions(1)
         local other = pools.reopen(pool)
         other:set_policy("p", "return policy { keep.last(9), min_age = 0 }")
         other:close()
         sessions(2)
         assert.same({ 1, 2, 3 }, pools.numbers(volume))
      end)

      it("goes on with other volumes where one cannot be judged", function()
         pool:set_policy("bad", "return policy(function() error('no') end)", { pattern = "vm/disk" })
         pools.origin(pool, "vm/good", { revisions_to_keep = 5 })
         sessions(2)
         local result = pool:prune()
         assert.equal("vm/disk", result.failures[1].volume)
         assert.equal("vm/good", result.volumes[1].volume)
      end)
   end)
end)

filesystems.each({ "xfs" }, function(fs)
   describe("a hostile policy", function()
      local pool, volume

      before_each(function()
         pool = pools.create(fs, { policy_child = true })
         volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 9 })
         for i = 1, 3 do
            pools.session(volume, "state " .. i)
         end
         pool:set_policy("p", "return policy { keep.last(1), min_age = 0 }", { unused = true })
         volume:set({ revisions_to_keep = false, retention = "p" })
      end)

      after_each(function() pool:close() end)

      -- the texts that end soon; the others are those of spec/retention/hostile_spec.lua
      for _, case in ipairs(hostile) do
         if not case.limit or case.limit == "stack" then
            it("removes nothing: " .. case[1], function()
               pools.write(pool.dir .. "/.byre/policy/p.lua", case[2])
               local result = pool:prune()
               assert.equal("invalid", result.failures[1].error.code)
               assert.same({ 1, 2, 3 }, pools.numbers(volume))
            end)
         end
      end

      it("removes nothing when it hits a limit while it judges", function()
         for text, limit in pairs({
            ["while true do end"] = "instructions",
            ["for _, r in ipairs(list) do r:expire 'x' end while true do pcall(error) end"] = "instructions",
            ["local t = {} while true do t[#t + 1] = { list } end"] = "memory",
         }) do
            pools.write(pool.dir .. "/.byre/policy/p.lua", "return policy(function(list) " .. text .. " end)")
            local e = pool:prune().failures[1].error
            -- on a slow machine the time ends first
            assert.is_true(e.limit == limit or e.limit:find("time", 1, true) ~= nil, tostring(e))
            assert.same({ 1, 2, 3 }, pools.numbers(volume))
         end
      end)

      it("cannot change what it judges", function()
         for _, text in ipairs({ "list[1].id = 'x'", "list[1].time = 0", "list[1] = nil", "table.remove(list)",
            "list[1].tags.x = true", "ctx.now = 0", "keep.last = 1" }) do
            pools.write(pool.dir .. "/.byre/policy/p.lua",
               "return policy(function(list, ctx) pcall(function() " .. text .. " end) end)")
            local result = pool:prune()
            assert.equal(0, #result.failures, text)
            assert.equal(0, #result.volumes[1].removed, text)
         end
      end)
   end)
end)
