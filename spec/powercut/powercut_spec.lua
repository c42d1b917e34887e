-- The power is cut 900 times on each `make test`, and some deliberately wrong
-- variants of byre have to be noticed. `make powercut` cuts it 30,000 times.
local shell = require("spec.support.shell")

local program = "spec/powercut/main.lua"

-- why the rig cannot run here: a machine without what it takes, or a package that is missing
local function why_not()
   if (os.getenv("BYRE_BUILD") or "build") ~= "build" then
      return "runs with the usual build only"
   end
   shell.run("make -s core powercut-programs")
   local result = shell.run("lua5.4 " .. program .. " ready")
   if result.code == 0 then
      return nil
   end
   local reason = result.err:match("^powercut: (.-)\n") or result.err
   -- there the packages are our own doing
   if os.getenv("CI") == "true" and reason:find("package", 1, true) then
      error(reason, 0)
   end
   return reason
end

-- what is left out, and what has to come of it on at least one file system
local mistakes = {
   "sync stop sync", "barrier stop link+rename:dirty>clean", "swap stop sync / link+rename:dirty>clean",
   "swap stop link+rename:dirty>clean / ~unlink+clone:precache", "content start clone:dirty clone:dirty",
   "content clone clone:clean clone:clean", "barrier revert link+rename:revision>clean",
   "swap rename link / rename:entry>entry", "store sync_directory",
}

local reason = why_not()

describe("after a power cut", function()
   if reason then
      pending(reason)
      return
   end

   it("every guarantee holds, at 900 points on btrfs, XFS and ext4", function()
      local result = shell.run("lua5.4 " .. program .. " run --points 900")
      assert.equal(0, result.code, result.out .. result.err)
      assert.matches("\n9%d%d points, 0 violations, 0 errors", result.out)
      local cut_short = 0
      for count in result.out:match("\ncut short: ([^\n]*)"):gmatch("%d+") do
         cut_short = cut_short + math.tointeger(count)
      end
      assert.is_true(cut_short >= 150, "operations were cut short " .. cut_short .. " times")
   end)

   it("the rig notices what is wrong with wrong variants of byre", function()
      local result = shell.run(("lua5.4 %s mutants --rounds 4 --points 200 --any yes --names '%s'"):format(program,
         table.concat(mistakes, ";")))
      assert.equal(0, result.code, result.out .. result.err)
      assert.matches(("%d variants: %d caught, 0 argued harmless, 0 missed"):format(#mistakes, #mistakes), result.out)
   end)

   it("leaves nothing behind", function()
      assert.equal("", shell.run([[
         for dir in /dev/shm/byre-powercut.*; do
            pid=${dir#*.}
            test ! -e "$dir" || kill -0 "${pid%.*}" 2>/dev/null || echo "$dir"
         done]]).out)
   end)
end)
