--- The pool that many processes work on: its volumes, and what each operation may be refused for.
local field = {}

field.size = 64 * 1024
--- Each process writes its own part of the beginning of an image; the first one is for imports.
field.slot = 32
field.slots = 9

field.vids = {}
for i = 0, 19 do
   field.vids[i + 1] = ("group%d/disk%d"):format(i % 4, i)
end

--- A volume of its own kind: without snapshots, so that its image is renamed to and fro.
field.without_snapshots = { ["group0/disk0"] = true, ["group1/disk1"] = true }

function field.random_vid()
   return field.vids[math.random(#field.vids)]
end

-- `busy` is nobody's fault, and `dirty` and `running` what an operation says of another's session
local function codes(list)
   local set = { busy = true }
   for code in list:gmatch("%S+") do
      set[code] = true
   end
   return set
end

--- What an operation may rightly be refused for, by name.
field.legitimate = {
   session = codes(""),
   stop = codes(""),
   batch = codes(""),
   -- without snapshots there are none; the volume was removed in between
   snapshot = codes("not_supported"),
   annotate = codes("no_such_revision"),
   revert = codes("dirty no_such_revision not_supported"),
   discard = codes("not_supported"),
   resize = codes("read_only"),
   -- the source may have nothing committed: it runs without snapshots
   import_volume = codes("dirty corrupt"),
   import_data = codes("dirty"),
   clone = codes("no_such_volume corrupt exists"),
   rename = codes("no_such_volume exists"),
   remove_moved = codes("no_such_volume"),
   snapshot_volume = codes("corrupt no_such_volume"),
   look = codes(""),
   walk = codes(""),
   set = codes(""),
}

--- The number that a process, killed and started again, has come to.
function field.last_token(log_path)
   local last = 0
   for line in io.lines(log_path) do
      last = math.max(last, math.tointeger(tonumber(line:match("^write %S+ (%d+)$"))) or 0)
   end
   return last
end

return field
