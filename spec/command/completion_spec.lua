-- Words are completed in the shells themselves.
local shell = require("spec.support.shell")

describe("completion", function()
   local place

   setup(function()
      place = shell.workplace()
      place:must("byre run -", [[
         local pool <close> = byre.open_pool("pool")
         for _, vid in ipairs({ "vm/a", "vm/other", "web/c" }) do
            pool:create_volume(vid, { size = 4096, save_on_stop = true, revisions_to_keep = 3 })
         end
         pool:snapshot({ "vm/a" })
         pool:snapshot({ "vm/a" })]])
   end)
   teardown(function() place.remove() end)

   -- what may follow, without what it means
   local function candidates(line)
      local list = {}
      for answer in place:must("byre completion --line " .. shell.quote(line)):gmatch("[^\n]+") do
         list[#list + 1] = answer:match("^[^\t]*")
      end
      return table.concat(list, " ")
   end

   it("knows verbs, options, their values, volumes, groups and revisions", function()
      for line, expected in pairs({
         ["byre sta"] = "start",
         ["byre help sna"] = "snapshot",
         ["byre help sta"] = "start states",
         ["byre start vm/"] = "vm/a vm/other",
         ["byre start vm/a w"] = "web/c",
         ["byre -v start --group "] = "vm web",
         ["byre rename v"] = "vm/ vm/a vm/other",
         ["byre revert vm/a "] = "1 2",
         ["byre export vm/a@"] = "vm/a@1 vm/a@2",
         ["byre export vm/a "] = ":files",
         ["byre init "] = ":directories",
         ["byre clone --state c"] = "committed current",
         ["byre import --format vm"] = "vmdk",
         ["byre stop --for"] = "--force",
         ["byre --js"] = "--json",
         ["byre set vm/a k"] = "keep=",
         ["byre set vm/a r"] = "retention= rw=",
         ["byre config o"] = "on_full=",
         ["byre config keep=3 p"] = "precache=",
         ["byre create "] = "vm/a vm/other web/c",
         ["byre nosuchverb "] = "",
         ["byre revert nosuch "] = "",
         ["byre -p nosuch start "] = "",
      }) do
         assert.equal(expected, candidates(line), line)
      end
   end)

   it("is of the pool that -p names", function()
      place:must("byre init -q --no-setup-check other; byre -p other create x --size 1M")
      assert.equal("x", candidates("byre -p other start "))
   end)

   -- the spec of a shell that is not there is pending, but not in CI
   local function with(name, fn)
      if shell.run("command -v " .. name).code ~= 0 then
         assert(os.getenv("CI") ~= "true", name .. " is not installed")
         return pending("needs " .. name)
      end
      return fn()
   end

   it("works in bash, also behind : and @", function()
      local script = [[
         eval "$(byre completion bash)"
         compopt() { :; }
         try() { COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=(byre); _byre; echo "${COMPREPLY[*]}"; }
         try 'byre start v'; try 'byre export vm/a@'; try 'byre sna'; try 'byre set vm/a ke'; try 'byre run no-suc'
         touch some-script.lua; try 'byre run some-s']]
      assert.equal("vm/a vm/other\n1 2\nsnapshot\nkeep=\n\nsome-script.lua\n",
         place:must("bash -c " .. shell.quote(script)))
   end)

   it("works in fish", function()
      with("fish", function()
         assert.equal("vm/a\torigin\nvm/other\torigin\n",
            place:must([[HOME=$PWD fish --no-config -c 'byre completion fish | source; complete -C "byre start v"']]))
      end)
   end)

   it("works in zsh", function()
      with("zsh", function()
         for line, expected in pairs({ ["byre snap"] = "byre snapshot", ["byre start w"] = "byre start web/c" }) do
            place:must(("timeout 120 zsh -f %s/spec/command/completion.zsh %s %s"):format(shell.root,
               shell.quote(line), shell.quote(expected)))
         end
      end)
   end)

   it("is refused for a shell that it does not know", function()
      local result = place:run("byre completion tcsh")
      assert.equal(2, result.code)
      assert.equal("byre: completion: say for which shell: bash, zsh or fish\n", result.err)
   end)
end)
