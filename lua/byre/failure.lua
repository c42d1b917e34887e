--- The one place where error objects are made.
--
-- An operation that fails raises a table with the fields `code`, `object`,
-- `message` and, where they exist, `errno`, `path`, `volume`, `hint`.
-- `tostring` gives `byre: <object>: <message>`.
-- @module byre.failure
local core = require("byre.core")

local failure = {}

local mt = { __name = "byre.failure" }

function mt.__tostring(self)
   return ("byre: %s: %s"):format(self.object, self.message)
end

--- The codes an error object may carry.
failure.codes = {
   "exists", "no_such_pool", "no_such_volume", "no_such_revision", "not_supported", "read_only",
   "dirty", "running", "busy", "invalid", "no_space", "io", "corrupt", "denied", "cancelled", "policy",
}

-- what an errno means to somebody who asked for an operation on a volume
local code_by_errno = {}
for name, code in pairs({
   ENOSPC = "no_space", EDQUOT = "no_space", EFBIG = "no_space",
   EACCES = "denied", EPERM = "denied", EROFS = "read_only",
   EEXIST = "exists", ECANCELED = "cancelled", EAGAIN = "busy",
   EOPNOTSUPP = "not_supported", ENOSYS = "not_supported", ENOTTY = "not_supported",
   ENAMETOOLONG = "invalid", ELOOP = "corrupt", ENOTDIR = "corrupt", EISDIR = "corrupt",
   ENOENT = "corrupt",
}) do
   code_by_errno[core.errno[name]] = code
end

--- What the command `byre` raises where a signal asks it to end. It is no error of what it comes out of.
failure.interrupted = "interrupted"

--- Make an error object without raising it.
-- @tparam string code one of `failure.codes`
-- @tparam string object what the sentence is about: a volume, a pool, a file, a word of the user's
-- @tparam string message what is wrong and what would be right
-- @tparam[opt] table fields further fields: `errno`, `path`, `volume`, `hint`
-- @treturn table
function failure.new(code, object, message, fields)
   local e = { code = code, object = object, message = message }
   for key, value in pairs(fields or {}) do
      e[key] = value
   end
   return setmetatable(e, mt)
end

--- Raise an error object.
-- @see failure.new
function failure.raise(...)
   error(failure.new(...), 0)
end

--- Text of the user's as it stands in a sentence: quoted, one line, not endless.
-- @tparam string text
-- @treturn string
function failure.quote(text)
   if #text > 120 then
      text = text:sub(1, 117) .. "..."
   end
   return '"' .. text:gsub('[%c"\\]', function(c)
      return ("\\x%02x"):format(c:byte())
   end) .. '"'
end

--- Is this an error object of byre's?
-- @param value anything
-- @treturn boolean
function failure.is(value)
   return getmetatable(value) == mt
end

--- The error object for a failed call of `byre.core`.
-- @tparam string object
-- @tparam string message what `byre.core` said
-- @tparam integer errno
-- @tparam[opt] table fields
-- @treturn table
function failure.from_errno(object, message, errno, fields)
   if message:sub(1, #object + 2) == object .. ": " then
      message = message:sub(#object + 3)
   end
   local e = failure.new(code_by_errno[errno] or "io", object, message, fields)
   e.errno = errno
   return e
end

--- Pass the results of a call of `byre.core` through, or raise its failure.
-- @tparam string object
-- @param ... results of the call: a true value, or nil, message, errno
-- @return the results
function failure.check(object, ...)
   local ok, message, errno = ...
   if ok == nil then
      error(failure.from_errno(object, message, errno), 0)
   end
   return ...
end

--- As `check`, for a call about a file, which is the object and the `path` of the failure.
-- @tparam string path
-- @param ... results of the call
-- @return the results
function failure.check_path(path, ...)
   local ok, message, errno = ...
   if ok == nil then
      error(failure.from_errno(path, message, errno, { path = path }), 0)
   end
   return ...
end

--- Call a function; what it raises comes back as an error object of byre's.
-- Anything else that was raised (a bug, an interrupt, an error of a callback)
-- is raised again as it is.
-- @tparam function fn
-- @treturn boolean whether it returned
-- @return its first result, or the error object
function failure.catch(fn, ...)
   local ok, result = pcall(fn, ...)
   if not ok and not failure.is(result) then
      error(result, 0)
   end
   return ok, result
end

return failure
