-- api.lua - a pool over HTTP, by lighttpd's mod_magnet
--
--    GET  /list[?pattern=vm/*]                    what there is
--    GET  /revisions?volume=vm/disk               its history, oldest first
--    GET  /calendar?volume=vm/disk                a page: what its policy keeps of it
--    POST /clone?volume=templates/root&to=vm/root
--    POST /start?volume=vm/disk                   {"path": ...}, the image to write to
--    POST /stop?volume=vm/disk[&discard=yes]     {"done": true}
--    POST /revert?volume=vm/disk[&revision=3]    {"done": true}
--
-- Answers are JSON: sizes in bytes, times in seconds since the epoch.  Errors are
-- {"code": "no_such_volume", "message": "..."} with a fitting HTTP status.  Each request has
-- to bring the token:
--
--    (umask 077; head -c 32 /dev/urandom | base64 >/etc/byre-token; chown www-data /etc/byre-token)
--    curl -H "Authorization: Bearer $(cat /etc/byre-token)" http://localhost:8080/list
--    curl -H "Authorization: Bearer $(cat /etc/byre-token)" -d '' 'http://localhost:8080/start?volume=vm/disk'
--
-- A browser asks for a name and a password: the password is the token.  That is for GET alone:
-- browsers send it along with whatever other people's pages have them ask for.
--
-- lighttpd.conf beside this file says where the pool and the token are.  An operation blocks
-- lighttpd until it is done: milliseconds where the file system has reflinks.
--
-- Debian: lighttpd, lighttpd-modules-lua, lua-byre.

local byre = require("byre")
local calendar = require("byre.retention.calendar")
local json = require("dkjson")

local request = lighty.r

-- The state of the module lives as long as lighttpd: the pool stays open, because it hears of
-- write errors in its sessions.
local state = package.loaded["byre.http"] or {}
package.loaded["byre.http"] = state

local http_status = {
   invalid = 400, no_such_volume = 404, no_such_revision = 404, no_such_pool = 503, exists = 409, dirty = 409,
   running = 409, not_supported = 409, policy = 409, busy = 503, no_space = 507,
}

local function send(status, kind, text)
   request.resp_header["Content-Type"] = kind
   request.resp_body:set(text)
   return status
end

local function answer(status, value)
   return send(status, "application/json", json.encode(value) .. "\n")
end

local function refuse(status, code, message)
   return answer(status, { code = code, message = message })
end

local function setting(name)
   return request.req_env[name] or error(name .. " is not set, see lighttpd.conf", 0)
end

local function read_token()
   local file = assert(io.open(setting("BYRE_TOKEN_FILE")))
   local token = file:read("l")
   file:close()
   return token
end

-- the token as programs bring it, or as browsers do
local function given_token()
   local scheme, given = (request.req_header["Authorization"] or ""):match("^(%a+) (%S+)$")
   if scheme == "Basic" and request.req_attr["request.method"] == "GET" then
      return (lighty.c.b64dec(given) or ""):match("^[^:]*:(.*)$")
   end
   return scheme == "Bearer" and given or nil
end

local function authorized()
   local given, token = given_token(), read_token()
   return given and token and #token >= 16 and lighty.c.secret_eq(given, token)
end

local function unescape(text)
   return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function parse_query(text)
   local query = {}
   for name, value in (text or ""):gmatch("([^&=]+)=([^&]*)") do
      query[unescape(name)] = unescape(value)
   end
   return query
end

local function list_of(items)
   return setmetatable(items, { __jsontype = "array" })
end

local function names_of(set)
   local names = list_of({})
   for name in pairs(set) do
      names[#names + 1] = name
   end
   table.sort(names)
   return names
end

local function volume_of(pool, query)
   return pool:volume(query.volume or "")
end

local get, post = {}, {}

function get.list(pool, query)
   local volumes = list_of({})
   for volume in pool:volumes(query.pattern) do
      volumes[#volumes + 1] = volume:status()
   end
   return { volumes = volumes }
end

function get.revisions(pool, query)
   local revisions = list_of(volume_of(pool, query):revisions())
   for _, revision in ipairs(revisions) do
      revision.tags = names_of(revision.tags)
   end
   return { revisions = revisions }
end

-- by the policy of the volume, the same evaluator that prunes
function get.calendar(pool, query)
   local volume = volume_of(pool, query)
   local data = volume:calendar()
   return calendar.html(data, { title = ("%s: what %s keeps"):format(volume.vid, data.policy) }),
      "text/html; charset=utf-8"
end

function post.clone(pool, query)
   return volume_of(pool, query):clone(query.to or ""):status()
end

function post.start(pool, query)
   return { path = volume_of(pool, query):start() }
end

function post.stop(pool, query)
   volume_of(pool, query):stop({ discard = query.discard == "yes" })
   return { done = true }
end

function post.revert(pool, query)
   volume_of(pool, query):revert(query.revision)
   return { done = true }
end

local function handle()
   if not authorized() then
      request.resp_header["WWW-Authenticate"] = 'Basic realm="byre"'
      return refuse(401, "denied", "the token is missing or wrong")
   end
   local verb = request.req_attr["uri.path"]:match("^/(%a+)$")
   local verbs = request.req_attr["request.method"] == "POST" and post or get
   if not verbs[verb] then
      local other = get[verb] or post[verb]
      return refuse(other and 405 or 404, "invalid", other and "GET looks, POST changes" or "no such thing")
   end
   state.pool = state.pool or byre.open_pool(setting("BYRE_POOL"), { lock_timeout = 1 })
   local value, kind = verbs[verb](state.pool, parse_query(request.req_attr["uri.query"]))
   if kind then
      return send(200, kind, value)
   end
   return answer(200, value)
end

local ok, result = pcall(handle)
if ok then
   return result
elseif byre.is_error(result) then
   return refuse(http_status[result.code] or 500, result.code, tostring(result))
end
-- what it is, is for the log of the server only
print(tostring(result))
return refuse(500, "internal", "see the log of the server")
