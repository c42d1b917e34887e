-- Events for the journal of systemd and for syslog, on real sockets.
local fcntl = require("posix.fcntl")
local journal = require("byre.command.journal")
local shell = require("spec.support.shell")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")

describe("the journal", function()
   local dir, fd

   before_each(function()
      dir = shell.temporary_directory()
      fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
      assert(socket.bind(fd, { family = socket.AF_UNIX, path = dir .. "/socket" }))
      fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.O_NONBLOCK)
   end)
   after_each(function()
      unistd.close(fd)
      shell.remove(dir)
   end)

   -- an entry as journald reads it
   local function parse(datagram)
      local found, at = {}, 1
      while at <= #datagram do
         local name, separator, after = datagram:match("^([A-Z_]+)([=\n])()", at)
         if separator == "=" then
            found[name], at = datagram:match("^([^\n]*)\n()", after)
         else
            local length, start = string.unpack("<I8", datagram, after)
            found[name] = datagram:sub(start, start + length - 1)
            assert.equal("\n", datagram:sub(start + length, start + length))
            at = start + length + 1
         end
      end
      return found
   end

   it("gets entries with fields", function()
      local send = journal.sender("/srv/pool", dir .. "/socket")
      send({ step = "linked", operation = "stop", volume = "vm/a", from = "vm/a.img", path = "vm/a.img.1@x",
         seconds = 0.5, bytes = 1 << 40 })
      assert.same({
         MESSAGE = "vm/a: linked vm/a.img -> vm/a.img.1@x (1T, 500.0 ms)", PRIORITY = "6", SYSLOG_IDENTIFIER = "byre",
         BYRE_POOL = "/srv/pool", BYRE_STEP = "linked", BYRE_OPERATION = "stop", BYRE_VOLUME = "vm/a",
         BYRE_FROM = "vm/a.img", BYRE_PATH = "vm/a.img.1@x", BYRE_SECONDS = "0.5", BYRE_BYTES = "1099511627776",
      }, parse((socket.recv(fd, 65536))))
      send({ step = "warning", message = "byre: vm/a: no room", volume = "vm/a" })
      local warning = parse((socket.recv(fd, 65536)))
      assert.equal("4", warning.PRIORITY)
      assert.equal("warning: vm/a: no room", warning.MESSAGE)
      send({ step = "failed", message = "byre: vm/a: no", volume = "vm/a", code = "busy" })
      local failed = parse((socket.recv(fd, 65536)))
      assert.equal("3", failed.PRIORITY)
      assert.equal("busy", failed.BYRE_CODE)
   end)

   it("gets values of several lines whole", function()
      local entry = journal.entry({ step = "removed", path = "a\nBYRE_VOLUME=forged" }, "p")
      local found = parse(entry)
      assert.equal("a\nBYRE_VOLUME=forged", found.BYRE_PATH)
      assert.is_nil(found.BYRE_VOLUME)
   end)

   it("is not waited for", function()
      local send = journal.sender(nil, dir .. "/socket")
      for _ = 1, 5000 do
         send({ step = "removed", path = "x" })
      end
      assert.is_truthy(socket.recv(fd, 65536))
   end)

   it("has to be there", function()
      local ok, e = pcall(journal.sender, nil, dir .. "/nothing")
      assert.is_false(ok)
      assert.equal("byre: --journal: there is no journal to be reached: No such file or directory",
         (tostring(e):gsub("reached: .*: No", "reached: No")))
      assert.equal("not_supported", e.code)
   end)

   it("is what byre --journal writes to, where systemd has it", function()
      if shell.run("unshare -m true").code ~= 0 then
         pending("needs root, for a /run of its own")
      end
      local result = shell.run(([[
         eval "$(tools/env ${BYRE_BUILD:-build})"
         byre=$(command -v byre)
         byre init -q --no-setup-check %s/pool
         unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/journal &&
            touch /run/systemd/journal/socket && mount --bind %s/socket /run/systemd/journal/socket &&
            exec "$0" -q --journal -p %s/pool create vm/a --size 1M' "$byre"]]):format(dir, dir, dir))
      assert.same({ code = 0, out = "", err = "" }, result)
      local last
      repeat
         local datagram = socket.recv(fd, 65536)
         last = datagram or last
      until not datagram
      local found = parse(last)
      assert.equal("done", found.BYRE_STEP)
      assert.equal("create", found.BYRE_OPERATION)
      assert.equal(dir .. "/pool", found.BYRE_POOL)
   end)
end)
