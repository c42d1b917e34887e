--- Volumes and revisions as records: what listings, `show` and JSON say of them.
-- @module byre.command.record
local config = require("byre.config")
local units = require("byre.units")

local record = {}

local function exact_size(bytes)
   return bytes < 1024 and ("%d bytes"):format(bytes) or ("%s (%d bytes)"):format(units.format_size(bytes), bytes)
end

local function yes_or_no(value)
   return value and "yes" or "no"
end

local state_style = { running = "green", started = "green", dirty = "yellow" }

local function style_of_state(text)
   return text:find("outdated", 1, true) and "yellow" or state_style[text]
end

--- Fields of a line of `byre list`.
record.volume_fields = {
   { key = "vid", title = "VOLUME" },
   { key = "kind", title = "KIND" },
   { key = "state", title = "STATE", style = style_of_state },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "used", title = "USED", right = true, text = units.format_size },
   { key = "revision_count", title = "REVISIONS", right = true },
   { key = "source", title = "SOURCE" },
}

--- Fields of `byre show`; JSON has them all, text those with a title.
record.detail_fields = {
   { key = "vid", title = "volume" },
   { key = "kind", title = "kind" },
   { key = "state", title = "state", style = style_of_state },
   { key = "session" },
   { key = "running" },
   { key = "dirty" },
   { key = "outdated" },
   { key = "size", title = "size", text = exact_size },
   { key = "used", title = "used", text = exact_size },
   { key = "source", title = "source" },
   { key = "rw", title = "writable", text = yes_or_no },
   { key = "ephemeral", title = "ephemeral", text = yes_or_no },
   { key = "revisions_to_keep", title = "revisions to keep" },
   { key = "policy", title = "policy" },
   { key = "cow_extent_size", title = "cow extent size", text = exact_size },
   { key = "trash", title = "trash", text = function(window, status)
      return ("%s, %d in it"):format(window, status.trash_count)
   end },
   { key = "trash_count" },
   { key = "revision_count", title = "revisions" },
   { key = "path", title = "image" },
}

--- One of these fields.
-- @tparam string key
-- @treturn table
function record.field(key)
   for _, field in ipairs(record.detail_fields) do
      if field.key == key then
         return field
      end
   end
end

--- A field of bytes, in words and exact.
-- @tparam string key also its title
-- @treturn table
function record.exact_field(key)
   return { key = key, title = key, text = exact_size }
end

local function style_of_hold(text)
   return text ~= "-" and "yellow"
end

local function style_of_tags(text)
   return text ~= "-" and "green"
end

--- Fields of a line of `byre revisions`.
record.revision_fields = {
   { key = "id", title = "REVISION" },
   { key = "time", title = "TIME" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "tags", title = "TAGS", style = style_of_tags },
   { key = "hold_until", title = "HOLD", style = style_of_hold,
      text = function(value) return value == true and "no end" or value end },
   { key = "note", title = "NOTE" },
}

--- The same with what only programs want to know.
record.revision_detail_fields = {
   { key = "id" }, { key = "seq" }, { key = "time" }, { key = "size" }, { key = "tags" }, { key = "note" },
   { key = "hold_until" }, { key = "path" },
}

--- What `byre revisions` tells programs besides, with --space.
record.space_fields = { { key = "allocated" }, { key = "shared" }, { key = "exclusive" } }

--- Fields of a line of `byre revisions --space`.
record.revision_space_fields = {
   { key = "id", title = "REVISION" },
   { key = "time", title = "TIME" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "allocated", title = "ALLOCATED", right = true, text = units.format_size },
   { key = "exclusive", title = "EXCLUSIVE", right = true, text = units.format_size },
   { key = "tags", title = "TAGS", style = style_of_tags },
   { key = "note", title = "NOTE" },
}

-- policies are for `byre policy show`
local function each_pool_setting(fn)
   for _, setting in ipairs(config.pool_settings) do
      if setting.kind then
         fn(setting)
      end
   end
end

local text_of_kind = { boolean = yes_or_no, size = exact_size }

--- Fields of `byre config`, and of what `byre init` has made.
record.pool_fields = { { key = "pool", title = "pool" } }
each_pool_setting(function(setting)
   table.insert(record.pool_fields, { key = setting.name, title = setting.key or setting.name,
      text = text_of_kind[setting.kind] })
end)

--- Fields of a line of `byre trash`.
record.trash_fields = {
   { key = "volume", title = "VOLUME" },
   { key = "id", title = "REVISION" },
   { key = "time", title = "TIME" },
   { key = "removed", title = "REMOVED" },
   { key = "expires", title = "EXPIRES" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "tags", title = "TAGS", style = style_of_tags },
   { key = "note", title = "NOTE" },
}

--- The same with --space.
record.trash_space_fields = {
   { key = "volume", title = "VOLUME" },
   { key = "id", title = "REVISION" },
   { key = "removed", title = "REMOVED" },
   { key = "expires", title = "EXPIRES" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "allocated", title = "ALLOCATED", right = true, text = units.format_size },
   { key = "exclusive", title = "EXCLUSIVE", right = true, text = units.format_size },
}

--- The same with what only programs want to know.
record.trash_detail_fields = {
   { key = "volume" }, { key = "id" }, { key = "seq" }, { key = "time" }, { key = "removed" }, { key = "expires" },
   { key = "size" }, { key = "tags" }, { key = "note" }, { key = "hold_until" }, { key = "path" },
   { key = "allocated" }, { key = "shared" }, { key = "exclusive" },
}

--- What there is to say of a pool.
-- @tparam pool pool
-- @treturn table see `record.pool_fields`
function record.of_pool(pool)
   local values = { pool = pool.dir }
   each_pool_setting(function(setting)
      values[setting.name] = pool.config[setting.name]
   end)
   return values
end

-- what happens with a volume right now, in a word or two
local function state_word(status)
   if status.running then
      return "running"
   elseif not status.session then
      return "stopped"
   end
   return status.dirty and "dirty" or "started"
end

--- What there is to say of a volume.
-- @tparam volume volume
-- @treturn table see `record.detail_fields`
-- @raise `no_such_volume`, `corrupt`
function record.of_volume(volume)
   local status = volume:status()
   status.state = state_word(status) .. (status.outdated and ",outdated" or "")
   return status
end

--- The files a volume consists of.
-- @tparam volume volume
-- @treturn {table,...} `role`, `path`, `size`, `used`, `modified`
function record.of_files(volume)
   local list = volume:files()
   for _, file in ipairs(list) do
      file.modified, file.time = units.format_time(file.time), nil
   end
   return list
end

local function tag_list(tags)
   local list = {}
   for tag in pairs(tags) do
      list[#list + 1] = tag
   end
   table.sort(list)
   return list
end

--- What there is to say of a revision.
-- @tparam table revision of `volume:revisions()`
-- @treturn table see `record.revision_detail_fields`
function record.of_revision(revision)
   return {
      id = revision.id,
      seq = revision.seq,
      time = units.format_time(revision.time),
      size = revision.size,
      tags = tag_list(revision.tags),
      note = revision.note,
      hold_until = math.type(revision.hold_until) == "integer" and units.format_time(revision.hold_until)
         or revision.hold_until,
      path = revision.path,
      allocated = revision.allocated,
      shared = revision.shared,
      exclusive = revision.exclusive,
   }
end

--- What there is to say of a revision in the trash.
-- @tparam table entry of `volume:trash()`
-- @treturn table see `record.trash_detail_fields`
function record.of_trash(entry)
   local result = record.of_revision(entry)
   result.volume, result.removed = entry.volume, units.format_time(entry.removed)
   result.expires = entry.expires and units.format_time(entry.expires)
   return result
end

--- The revisions of a volume as records, oldest first.
-- @tparam volume volume
-- @tparam[opt] table options as for `volume:revisions`
-- @treturn {table,...}
function record.of_revisions(volume, options)
   local list = {}
   for i, revision in ipairs(volume:revisions(options)) do
      list[i] = record.of_revision(revision)
   end
   return list
end

return record
