-- Who holds which bytes, beside a count of every single block.
local shell = require("spec.support.shell")

local program = (os.getenv("BYRE_BUILD") or "build") .. "/core/extent_set"

-- what the program answers to these lines
local function ask(lines)
   local path = os.tmpname()
   shell.write(path, table.concat(lines, "\n") .. "\n")
   local result = shell.run(("%s <%s"):format(program, path))
   os.remove(path)
   local answers = {}
   for line in result.out:gmatch("[^\n]+") do
      answers[#answers + 1] = line
   end
   return answers, result
end

-- A history of files: extents that adjoin, overlap, are the same, or are told twice; `base` and `unit` in bytes.
local function random_set(base, unit)
   local set = { base = base, unit = unit, files = {}, lines = {} }
   for number = 1, math.random(1, 8) do
      local file = { refs = {}, own = math.random(3) == 1 and math.random(1, 9) * unit or 0 }
      set.files[number] = file
      table.insert(set.lines, "f")
      for _ = 1, math.random(0, 8) do
         local before = number > 1 and set.files[number - 1].refs
         local ref = before and #before > 0 and math.random(2) == 1 and before[math.random(#before)]
            or { math.random(0, 30), math.random(0, 7), math.random(4) == 1 }
         table.insert(file.refs, ref)
         table.insert(set.lines, ("a %d %d %d"):format(base + ref[1] * unit, ref[2] * unit, ref[3] and 1 or 0))
      end
      if file.own > 0 then
         table.insert(set.lines, ("o %d"):format(file.own))
      end
   end
   return set
end

-- each block: who refers to it, and whether somebody outside does
local function blocks_of(set)
   local blocks = {}
   for number, file in ipairs(set.files) do
      for _, ref in ipairs(file.refs) do
         for at = ref[1], ref[1] + ref[2] - 1 do
            local block = blocks[at] or { owners = {}, references = 0, marked = 0 }
            block.owners[number] = true
            block.references = block.references + 1
            block.marked = block.marked + (ref[3] and 1 or 0)
            blocks[at] = block
         end
      end
   end
   return blocks
end

-- bytes of blocks whose owners a test accepts, and what files have of their own
local function count(set, blocks, own, accepts)
   local sum = 0
   for _, block in pairs(blocks) do
      local outside = block.references == 1 and block.marked == 1
      sum = sum + (accepts(block.owners, outside) and set.unit or 0)
   end
   for number, file in ipairs(set.files) do
      sum = sum + (own[number] and file.own or 0)
   end
   return sum
end

local function holds_any(owners, files)
   for number in pairs(files) do
      if owners[number] then
         return true
      end
   end
   return false
end

local function holds_only(owners, files)
   for number in pairs(owners) do
      if not files[number] then
         return false
      end
   end
   return true
end

local function freed(set, blocks, files)
   return count(set, blocks, files, function(owners, outside) return not outside and holds_only(owners, files) end)
end

local function union(set, blocks, files)
   return count(set, blocks, files, function(owners) return holds_any(owners, files) end)
end

-- questions and what a count of the blocks answers
local function questions(set, blocks)
   local expected, all = {}, {}
   local function question(line, answer)
      table.insert(set.lines, line)
      table.insert(expected, answer)
   end
   for number in ipairs(set.files) do
      all[number] = true
   end
   question("s", ("%d"):format(union(set, blocks, all)))
   for number in ipairs(set.files) do
      question("i " .. number - 1, ("%d %d"):format(union(set, blocks, { [number] = true }),
         freed(set, blocks, { [number] = true })))
   end
   local taken = {}
   for _ = 1, 20 do
      local number = math.random(#set.files)
      taken[number] = math.random(3) > 1 or nil
      question((taken[number] and "t " or "p ") .. number - 1, ("%d"):format(freed(set, blocks, taken)))
      local some, words = {}, {}
      for other in ipairs(set.files) do
         if math.random(2) == 1 then
            some[other] = true
            words[#words + 1] = other - 1
         end
      end
      question(("u %d %s"):format(#words, table.concat(words, " ")), ("%d"):format(union(set, blocks, some)))
   end
   return expected
end

describe("a set of extents", function()
   it("counts what a look at every block counts", function()
      for seed = 1, 60 do
         math.randomseed(seed)
         -- from 1 GiB on a reference is kept in pieces; and just below what 64 bits hold
         local unit = ({ 1, 4096, 1 << 29, 3 << 30 })[seed % 4 + 1]
         local base = ({ 0, 1 << 40, (1 << 62) - 40 * unit })[seed % 3 + 1]
         local set = random_set(base, unit)
         local answers, result = ask((function()
            set.expected = questions(set, blocks_of(set))
            return set.lines
         end)())
         assert.equal(0, result.code, ("seed %d: %s"):format(seed, result.err))
         assert.same(set.expected, answers, "seed " .. seed)
      end
   end)

   it("adds what adjoins, and counts once what overlaps", function()
      assert.same({ "300", "200 100", "200 100", "100", "100", "0", "300" }, (ask({ "f", "a 0 100 0", "a 100 100 0",
         "f", "a 100 150 0", "a 150 150 0", "s", "i 0", "i 1", "t 0", "t 0", "p 0", "u 3 0 1 0" })))
   end)

   it("is empty without files, and takes extents without bytes", function()
      assert.same({ "0", "0" }, (ask({ "s", "u 0" })))
      assert.same({ "0", "0 0", "0" }, (ask({ "f", "a 5 0 0", "s", "i 0", "t 0" })))
   end)

   it("refuses what ends behind the last address", function()
      local answers, result = ask({ "f", "a 18446744073709551615 1 0" })
      assert.same({ "add: -22" }, answers)
      assert.equal(1, result.code)
      assert.same({ "1", "1 1" }, (ask({ "f", "a 18446744073709551614 1 0", "s", "i 0" })))
   end)

   it("takes memory for the references, and little for what they make together", function()
      local files, extents = 100, 2000
      local lines = {}
      for i = 1, files do
         lines[#lines + 1] = "f"
         for at = 1, extents do
            lines[#lines + 1] = ("a %d 4096 0"):format(((at * 7919) % extents * 2 + (at % files < i and 1 or 0)) * 4096)
         end
      end
      lines[#lines + 1] = "s"
      lines[#lines + 1] = "i 0"
      lines[#lines + 1] = "m"
      local answers, result = ask(lines)
      assert.equal(0, result.code)
      assert.equal(extents * 4096, tonumber(answers[2]:match("^%d+")))
      -- 16 bytes for each of them; twice that while the list grows; and sorting them
      assert.is_true(tonumber(answers[3]) * 1024 < 48 * files * extents + (16 << 20), answers[3])
   end)
end)
