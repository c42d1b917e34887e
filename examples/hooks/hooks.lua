-- Hooks of a pool: copy this to POOL/.byre/hooks.lua and keep what you need.

-- the name of a program that is told what was committed; nil: nobody is
local notify = os.getenv("BYRE_NOTIFY")

-- no volume below this goes while its history is longer than this
local guarded, history = "prod/", 2

return {
   -- what raises an error here refuses the operation
   pre_remove = function(call)
      if call.volume:sub(1, #guarded) == guarded and #call.pool:volume(call.volume):revisions() >= history then
         error("it is in production and has a history; clone it first, or use --no-hooks", 0)
      end
   end,

   -- what the guest freed need not stay allocated in the revision to be
   pre_stop = function(call)
      if call.config.save_on_stop then
         byre.spawn { "fallocate", "--dig-holes", call.pool:volume(call.volume):path(), timeout = 600, check = true }
      end
   end,

   -- what raises an error here is a warning: the session has ended
   post_stop = function(call)
      if notify then
         local newest = call.pool:volume(call.volume):revision()
         byre.spawn { notify, call.volume, newest.id, timeout = 30, check = true }
      end
   end,
}
