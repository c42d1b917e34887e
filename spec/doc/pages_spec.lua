-- The examples of README.md and doc/ do what the pages say.
local filesystems = require("spec.support.filesystems")
local pages = require("spec.doc.pages")
local shell = require("spec.support.shell")

-- a directory on a file system with reflinks, and what removes it
local function scratch()
   local fs = filesystems.get("btrfs")
   if fs then
      return fs:fresh()
   end
   local dir = shell.temporary_directory()
   if not require("byre").reflink_supported(dir) then
      shell.remove(dir)
      pending("the examples need a file system with reflinks, or root to mount one")
   end
   finally(function() shell.remove(dir) end)
   return dir
end

describe("the examples", function()
   for _, path in ipairs(pages.list()) do
      local page = pages.read(path)
      if #pages.steps(page) > 0 then
         it("of " .. path .. " do what it says", function()
            local wrong = {}
            for _, step in ipairs(pages.run(page, scratch())) do
               wrong[#wrong + 1] = pages.judge(page, step)
            end
            assert.equal("", table.concat(wrong, "\n"))
         end)
      end
   end

   it("in README.md are one of Lua and one of shell, of about ten lines", function()
      local lines = {}
      for _, block in ipairs(pages.read("README.md").blocks) do
         lines[block.language] = select(2, block.text:gsub("\n", ""))
      end
      assert.is_true(lines.lua <= 12 and lines.sh <= 12)
   end)

   it("that are not run are at least Lua and C", function()
      for _, path in ipairs(pages.list()) do
         for _, block in ipairs(pages.read(path).blocks) do
            if block.language == "lua" then
               assert(load(block.text, path))
            end
         end
      end
   end)
end)

-- the tests of the tests: a page that is wrong is found out
describe("a page that is wrong", function()
   local function judged(text)
      local dir = scratch()
      shell.write(dir .. "/page.md", text)
      local page = pages.read(dir .. "/page.md")
      return pages.judge(page, pages.run(page, dir)[1])
   end

   it("is found out", function()
      assert.matches("expected:\nb\ngot:\na\n", judged("```console\n$ echo a\nb\n```\n"))
      assert.matches("exit code 1", judged("```lua\nerror('no')\n```\n"))
      assert.matches("exit code 1", judged("```sh\nfalse\ntrue\n```\n"))
      assert.matches("got:\na\nb", judged("```console\n$ printf 'a\\nb\\n'\na\n```\n"))
   end)

   it("may leave things out", function()
      assert.is_nil(judged("```console\n$ printf 'a\\nb\\nc d e\\n'\na\n...\nc ... e\n```\n"))
      assert.is_nil(judged("```console\n$ echo 2026-11-22T18:00:00Z 12.3 ms\n1999-01-01T00:00:00Z 0.1 ms\n```\n"))
   end)
end)
