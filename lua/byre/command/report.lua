--- How the command line says that something went wrong, and with which exit code.
-- @module byre.command.report
local report = {}

--- The exit codes of the command.
report.exit = {
   done = 0, failed = 1, usage = 2, partly = 3, no_such_pool = 10, locked = 11, interrupted = 130,
}

--- What the host raises when a signal asks the command to end. It is passed
-- on as it is: the host knows which signal it was.
report.interrupted = require("byre.failure").interrupted

-- what an error of the library ends the command with; `failed` where it is not named
local exit_by_code = {
   invalid = report.exit.usage,
   no_such_pool = report.exit.no_such_pool,
   busy = report.exit.locked,
   cancelled = report.exit.interrupted,
}

local function is_error_object(value)
   return type(value) == "table" and type(value.code) == "string"
end

--- Raise an error about the words of the command line (exit code 2).
-- @tparam string object the verb, the word, or the file that it is about
-- @tparam string message
-- @tparam[opt] string hint
function report.usage(object, message, hint)
   require("byre.failure").raise("invalid", object, message, { hint = hint })
end

--- A text on one line, without anything a terminal would obey.
-- @tparam string text
-- @treturn string
function report.one_line(text)
   text = text:gsub("[%c\127]", function(c)
      return c == "\n" and "\\n" or c == "\t" and "\\t" or ("\\x%02x"):format(c:byte())
   end)
   return report.valid_text(text)
end

--- A text as valid UTF-8: names of files may be any bytes.
-- @tparam string text
-- @treturn string
function report.valid_text(text)
   if utf8.len(text) then
      return text
   end
   return (text:gsub("[\128-\255]", function(c)
      return ("\\x%02x"):format(c:byte())
   end))
end

local function write_error(stream, err)
   stream:write(report.one_line(tostring(err)), "\n")
   if err.hint then
      stream:write("hint: ", report.one_line(err.hint), "\n")
   end
end

-- The error of a batch: one sentence for each volume that failed.
local function write_batch(stream, err)
   for _, item in ipairs(err.failures) do
      write_error(stream, item.error)
   end
end

local function write_bug(stream, err, verbose)
   if verbose then
      stream:write("byre: internal error: ", tostring(err), "\n")
   else
      stream:write("byre: internal error: ", report.one_line(tostring(err):match("^[^\n]*")), "\n")
      stream:write("hint: this is a bug of byre; run it again with -v for a traceback\n")
   end
end

--- The exit code an error stands for.
-- @param err what was raised
-- @treturn integer
function report.exit_code(err)
   if not is_error_object(err) then
      return report.exit.failed
   elseif err.done and #err.done > 0 then
      return report.exit.partly
   end
   return exit_by_code[err.code] or report.exit.failed
end

--- Say what went wrong: a sentence and, where there is one, a hint.
-- @param err an error object, or whatever else was raised (a bug; with its traceback)
-- @tparam[opt] boolean verbose show the traceback of a bug
-- @tparam[opt] file stream default: standard error
-- @treturn integer the exit code
function report.show(err, verbose, stream)
   stream = stream or io.stderr
   if not is_error_object(err) then
      write_bug(stream, err, verbose)
   elseif err.failures and #err.failures > 0 then
      write_batch(stream, err)
   elseif not err.quiet then
      write_error(stream, err)
   end
   return report.exit_code(err)
end

--- A message handler for `xpcall`: bugs get a traceback, error objects stay as they are.
-- @param err what was raised
-- @return the error object, or text with a traceback
function report.handler(err)
   if is_error_object(err) or err == report.interrupted then
      return err
   end
   return debug.traceback(tostring(err), 2)
end

return report
