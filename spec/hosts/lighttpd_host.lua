-- examples/lighttpd: a pool over HTTP.
local browser = require("spec.support.browser")
local byre = require("byre")
local json = require("dkjson")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

local HERE <const> = shell.root .. "/examples/lighttpd"

needs.describe_on_reflinks("examples/lighttpd", { lighttpd = "lighttpd", curl = "curl",
   ["/usr/lib/lighttpd/mod_magnet.so"] = "lighttpd-modules-lua", chromium = "chromium" }, function(fs)
   local dir, pool, server, address

   -- the first port nobody else has
   local function start_server()
      for port = 18000 + math.random(0, 999), 20000 do
         server = shell.must(([[eval "$(tools/env)"
            export BYRE_POOL=%s/pool BYRE_TOKEN_FILE=%s/token BYRE_API=%s PORT=%d PATH="$PATH:/usr/sbin"
            lighttpd -D -f %s/lighttpd.conf >%s/log 2>&1 </dev/null & echo $!
            for _ in $(seq 200); do grep -q 'server started\|stopped\|bind' %s/log && exit; sleep 0.05; done]])
            :format(dir, dir, HERE, port, HERE, dir, dir)):match("%d+")
         if shell.read(dir .. "/log"):find("server started") then
            address = ("http://127.0.0.1:%d"):format(port)
            return
         end
      end
   end

   lazy_setup(function()
      dir = fs:fresh()
      pool = byre.create_pool(dir .. "/pool", { revisions_to_keep = 9 })
      shell.must(("(umask 077; head -c 32 /dev/urandom | base64 >%s/token)"):format(dir))
      start_server()
   end)
   lazy_teardown(function()
      shell.run("kill " .. server)
      pool:close()
   end)

   local function curl(words)
      local out = shell.must(("curl -sS -m 60 -w '\\n%%{http_code}' %s"):format(words))
      local text, status = out:match("^(.*)\n(%d+)$")
      return tonumber(status), (json.decode(text))
   end

   local function request(path, method)
      return curl(("-H \"Authorization: Bearer $(cat %s/token)\" %s '%s%s'"):format(
         dir, method == "POST" and "-d ''" or "", address, path))
   end

   it("lists, starts, stops, clones, shows the history and goes back", function()
      assert.same({ 200, { volumes = {} } }, { request("/list") })
      local disk = pool:create_volume("vm/disk", { size = "1M", save_on_stop = true })
      local status, answer = request("/start?volume=vm/disk", "POST")
      assert.same({ 200, disk:path() }, { status, answer.path })
      assert.is_true(disk:is_dirty())
      shell.must(("printf one | dd of=%s conv=notrunc status=none"):format(disk:path()))
      assert.same({ 200, { done = true } }, { request("/stop?volume=vm%2Fdisk", "POST") })
      request("/start?volume=vm/disk", "POST")
      shell.must(("printf two | dd of=%s conv=notrunc status=none"):format(disk:path()))
      request("/stop?volume=vm/disk&discard=yes", "POST")
      assert.equal("one", shell.read(disk:export()):sub(1, 3))
      status, answer = request("/clone?volume=vm/disk&to=vm/copy", "POST")
      assert.same({ 200, "vm/copy" }, { status, answer.vid })
      status, answer = request("/list?pattern=*copy")
      assert.same({ 200, 1, "vm/copy" }, { status, #answer.volumes, answer.volumes[1].vid })
      status, answer = request("/revisions?volume=vm/disk")
      assert.same({ 200, "1", {} }, { status, answer.revisions[1].id, answer.revisions[1].tags })
      assert.same({ 200, { done = true } }, { request("/revert?volume=vm/disk&revision=1", "POST") })
      assert.equal("\0\0\0", shell.read(disk:export()):sub(1, 3))
   end)

   describe("has a calendar page", function()
      local page, url

      lazy_setup(function()
         local disk = pool:create_volume("vm/calendar", { size = "1M", save_on_stop = true })
         pool:set_policy("few", "return policy { keep.last(2), min_age = 0 }", { pattern = "vm/calendar" })
         for _ = 1, 3 do
            disk:snapshot()
         end
         page = "/calendar?volume=vm/calendar"
         local token = shell.read(dir .. "/token"):gsub("%s+$", ""):gsub("%W", function(c)
            return ("%%%02X"):format(c:byte())
         end)
         url = address:gsub("//", function() return "//me:" .. token .. "@" end) .. page
      end)

      it("for programs, of a volume that has a policy", function()
         local html = shell.must(("curl -sS -f -m 60 -H \"Authorization: Bearer $(cat %s/token)\" '%s%s'"):format(
            dir, address, page))
         assert(html:find("<h1>vm/calendar: what few keeps</h1>", 1, true))
         assert(html:find("Of 3 revisions 2 remain", 1, true))
         local status, answer = request("/calendar?volume=vm/disk")
         assert.same({ 400, "invalid" }, { status, answer.code })
      end)

      it("for browsers, with the token as password", function()
         local dom, complaints = browser.open(url)
         assert.same({}, complaints)
         assert(dom:find("<h1>vm/calendar: what few keeps</h1>", 1, true), dom:sub(1, 200))
         assert(dom:find(">%d%d:%d%d last 2/2</text>"), "the calendar is empty")
      end)

      it("and lets browsers do nothing but look", function()
         local with = url:gsub("/calendar.*", "")
         local status = curl(("-d '' '%s/start?volume=vm/disk'"):format(with))
         assert.equal(401, status)
         assert.equal(200, (curl(("'%s/list'"):format(with))))
         assert.is_false(pool:volume("vm/disk"):is_dirty())
         for _, password in ipairs({ "", "wrong" }) do
            assert.equal(401, (curl(("-u me:%s '%s/list'"):format(password, address))))
         end
      end)
   end)

   it("lets nobody in without the token", function()
      for _, words in ipairs({ "", "-H 'Authorization: Bearer '", "-H 'Authorization: Bearer wrong'" }) do
         local status, answer = curl(words .. " " .. address .. "/list")
         assert.same({ 401, "denied" }, { status, answer.code })
      end
   end)

   it("answers errors with a status and a sentence", function()
      local function refused(status, code, path, method)
         local given, answer = request(path, method)
         assert.same({ status, code }, { given, answer.code })
         assert.is_string(answer.message)
      end
      refused(404, "no_such_volume", "/start?volume=vm/no", "POST")
      refused(404, "no_such_revision", "/revert?volume=vm/disk&revision=99", "POST")
      refused(400, "invalid", "/start?volume=..%2Fetc", "POST")
      refused(409, "exists", "/clone?volume=vm/disk&to=vm/disk", "POST")
      refused(405, "invalid", "/start?volume=vm/disk")
      refused(404, "invalid", "/etc/passwd")
   end)
end)
