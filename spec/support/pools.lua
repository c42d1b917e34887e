--- Pools for specs: made on a real file system, filled, looked at.
local assert = require("luassert")
local byre = require("byre")
local scratch = require("spec.core.scratch")

local pools = {}

--- Size of the images in specs that do not care: enough for content at several places.
pools.size = 1024 * 1024

--- Make a pool on a file system of `spec.support.filesystems`, in a new directory.
-- @param fs
-- @tparam[opt] table options as for `byre.create_pool`
-- @treturn pool
function pools.create(fs, options)
   local all = { lock_timeout = 5 }
   if not fs.reflink then
      all.setup_check = false
   end
   for key, value in pairs(options or {}) do
      all[key] = value
   end
   return byre.create_pool(fs:fresh() .. "/pool", all)
end

--- The vids of all volumes, in one text.
function pools.vids(pool)
   local list = {}
   for volume in pool:volumes() do
      list[#list + 1] = volume.vid
   end
   return table.concat(list, " ")
end

--- Open the same pool once more.
function pools.reopen(pool, options)
   return byre.open_pool(pool.dir, options)
end

--- Make a volume that saves what is written to it.
-- @treturn volume
function pools.origin(pool, vid, settings)
   local all = { size = pools.size, save_on_stop = true }
   for key, value in pairs(settings or {}) do
      all[key] = value
   end
   return pool:create_volume(vid, all)
end

--- Write text into an image or another file, as a guest would.
function pools.put(path, text, offset)
   local file = assert(io.open(path, "r+b"))
   assert(file:seek("set", offset or 0))
   assert(file:write(text))
   assert(file:close())
end

--- Make a file with a content.
function pools.write(path, text)
   local file = assert(io.open(path, "wb"))
   assert(file:write(text))
   assert(file:close())
end

--- The first bytes of a file, without the zeros at the end; nil if there is no such file.
function pools.get(path, length, offset)
   local file = io.open(path, "rb")
   if not file then
      return nil
   end
   file:seek("set", offset or 0)
   local text = file:read(length or 64)
   file:close()
   return (assert(text):gsub("\0+$", ""))
end

function pools.exists(path)
   local file = io.open(path, "rb")
   if file then
      file:close()
   end
   return file ~= nil
end

--- Path of a file of a pool.
function pools.path(pool, name)
   return pool.dir .. "/" .. name
end

--- A whole session that writes a text over whatever the image began with.
function pools.session(volume, text)
   pools.put(volume:start(), text .. ("\0"):rep(64 - #text))
   volume:stop()
end

--- Sessions that write "state 1", "state 2", and so on.
function pools.sessions(volume, n)
   for i = 1, n do
      pools.session(volume, "state " .. i)
   end
end

--- What the committed image of a volume begins with.
function pools.committed(volume)
   return pools.get(volume.pool.dir .. "/" .. volume.vid .. ".img")
end

--- What the revisions of a volume begin with, oldest first.
function pools.history(volume)
   local list = {}
   for i, revision in ipairs(volume:revisions()) do
      list[i] = pools.get(revision.path)
   end
   return list
end

--- Codes of findings of a check, sorted.
function pools.codes(findings)
   local list = {}
   for i, finding in ipairs(findings) do
      list[i] = finding.code
   end
   table.sort(list)
   return list
end

--- Numbers of the revisions, oldest first.
function pools.numbers(volume)
   local list = {}
   for i, revision in ipairs(volume:revisions()) do
      list[i] = revision.seq
   end
   return list
end

--- Names in a directory of a pool, sorted, in one string; temporary names show their random part.
function pools.names(pool, directory)
   return (scratch.sh("cd %s && LC_ALL=C ls -A", pool.dir .. "/" .. (directory or ".")):gsub("\n", " "))
end

--- Everything that can be seen of a directory tree: type, inode, size, mode, links, time, target and
-- content of each file, all but the lock files.
-- @tparam string dir
-- @tparam[opt] table options `directory_times = false`: those may differ, as where a name came and went
-- @treturn string
function pools.listing(dir, options)
   local times = not (options and options.directory_times == false) and "%%T@" or ""
   return scratch.sh("cd %s && { find . -path ./.byre/lock -prune -o -type d -printf '%%p d %%i %%m " .. times .. "\\n'"
      .. " -o -printf '%%p %%y %%i %%s %%m %%n %%T@ %%l\\n'; find . -path ./.byre/lock -prune -o -type f -print0"
      .. " | xargs -0 -r md5sum; } | LC_ALL=C sort", dir)
end

--- Assert that a call raises an error object with this code and exactly this text.
-- @treturn table the error
function pools.fails(code, message, fn, ...)
   local ok, e = pcall(fn, ...)
   assert.is_false(ok, "it succeeded")
   assert.is_true(byre.is_error(e), tostring(e))
   assert.equal(message, tostring(e))
   assert.equal(code, e.code)
   return e
end

--- The same, and that nothing at all in the pool has changed.
function pools.refuses(pool, code, message, fn, ...)
   local before = pools.listing(pool.dir)
   local e = pools.fails(code, message, fn, ...)
   assert.equal(before, pools.listing(pool.dir))
   return e
end

return pools
