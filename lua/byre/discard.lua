--- A session that is dropped in the very moment in which the committed image
-- is replaced.
--
-- Pure. Two names cannot change at once, so a mark comes first: it says which
-- session it is and what the committed image is as yet. From the moment on that
-- this is another one the session is over, whatever becomes of its name. The
-- mark binds nobody else: a session that was written to since is a living one.
-- @module byre.discard
local discard = {}

--- Text of the mark.
-- @tparam table files role -> stat, as in a state of `byre.survey`
-- @treturn string
function discard.describe(files)
   local dirty, clean = files.dirty, files.clean
   return ("session %d %d.%09d\nimage %s\n"):format(dirty.ino, dirty.mtime, dirty.mtime_nsec,
      clean and ("%d"):format(clean.ino) or "none")
end

-- A power cut may take back the time of the last write, but nothing sets it on
-- without a write.
local function is_not_later(stat, seconds, nanoseconds)
   return stat.mtime < seconds or stat.mtime == seconds and stat.mtime_nsec <= nanoseconds
end

--- Is the session that a mark tells of over?
-- @tparam string text of the mark
-- @tparam table files role -> stat
-- @treturn boolean
function discard.is_done(text, files)
   local ino, seconds, nanoseconds, image = text:match("^session (%d+) (%-?%d+)%.(%d+)\nimage (%w+)\n$")
   local dirty, clean = files.dirty, files.clean
   return ino ~= nil and dirty ~= nil and clean ~= nil
      and ("%d"):format(dirty.ino) == ino and is_not_later(dirty, tonumber(seconds), tonumber(nanoseconds))
      and ("%d"):format(clean.ino) ~= image
end

return discard
