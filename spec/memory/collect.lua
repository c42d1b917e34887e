--- A helper for busted: a full collection of garbage after every call into byre.core.
-- What a function of C forgot to hold is gone then, and shows. It takes a hook, so that messages, levels and numbers of
-- arguments are what they are without it.
--
--     busted --helper=spec/memory/collect.lua spec/core

-- functions of C, found from the module and the metatables of its handles
local ours = {}
local count = 0

local function add(value)
   if type(value) == "function" then
      ours[value] = true
   elseif type(value) == "table" then
      for _, item in pairs(value) do
         if type(item) == "function" then
            ours[item] = true
         end
      end
   end
end

-- also what a call returns for others to call, as the iterator of dir:each
local function returned(level)
   local info = debug.getinfo(level, "r")
   for i = info.ftransfer, info.ftransfer + info.ntransfer - 1 do
      local _, value = debug.getlocal(level, i)
      if type(value) == "function" then
         ours[value] = true
      end
   end
end

local function on_return()
   local info = debug.getinfo(2, "f")
   if info and ours[info.func] then
      count = count + 1
      returned(3)
      collectgarbage()
   end
end

-- a hook belongs to a coroutine
local function hook_coroutines(library)
   local create = library.create
   function library.create(fn)
      local thread = create(fn)
      debug.sethook(thread, on_return, "r")
      return thread
   end
   function library.wrap(fn)
      local thread = library.create(fn)
      local function pass(ok, ...)
         if not ok then
            error((...), 0)
         end
         return ...
      end
      return function(...)
         return pass(library.resume(thread, ...))
      end
   end
end

-- said at the end, so that nobody takes a run without collections for one with them
local function tell()
   print(("%d collections"):format(count))
   return nil, true
end

local function begin()
   add(require("byre.core"))
   for name, meta in pairs(debug.getregistry()) do
      if type(name) == "string" and name:find("^byre%.") and type(meta) == "table" then
         add(meta)
         add(meta.__index)
      end
   end
   setmetatable(ours, { __mode = "k" })
   hook_coroutines(coroutine)
   require("busted").subscribe({ "suite", "end" }, tell)
   debug.sethook(on_return, "r")
end

begin()
