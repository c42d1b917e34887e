--- Wrong variants of byre that change nothing that is promised, and why.
-- @module spec.powercut.harmless
local harmless = {}

local rare = "only btrfs brings an entry back, and rarely: btrfs_log_spec.lua notices"
local dropped = "only a session that is dropped has a committed image that is a revision already; its removal comes "
   .. "next, and its sync is of the same directory"

-- patterns of names
local reasons = {
   { "^content %S+ write:mark ", "a mark is an empty file" },
   { "^swap %S+ ~remove_dir / ", "a directory is removed only if it is empty, and an empty one is in nobody's way" },
   { "^swap %S+ ~unlink / ~remove_dir$",
      "the directory stays, as it is not empty yet; an empty one is in nobody's way" },
   { "^swap %S+ ~%S*sync_dir / ~remove_dir$",
      "the directory stays, as it is not empty yet, or there is nothing in it that could come back" },
   { "^swap rename ~unlink:mark / ~unlink:mark#2$", "neither mark means anything once the old images are gone" },
   { "^barrier start ~unlink", "what is cleaned up may come back; it was to go" },
   { "^barrier stop ~unlink", "what is cleaned up may come back, then without what was noted of it; it was to go" },
   { "^barrier import_%S+ ~unlink",
      "what is cleaned up may come back, then without what was noted of it; it was to go" },
   { "^swap prune rename:revision>revision / write:entry$", "what was noted goes along into the trash; the entry has "
      .. "the policy that was agreed to" },
   { "^barrier prune write:entry$", "what was noted of revisions that are gone means nothing, and a policy that "
      .. "was agreed to is asked about again" },
   { "^swap %S+ rename:entry>%S+ / ~sync_dir$", "the sync is for images that went before; it has to come before "
      .. "the mark goes, and does" },
   { "^barrier remove ~unlink:mark$", "who syncs what he puts under this name takes the mark's removal along: on "
      .. "btrfs because names went from that directory, on XFS and ext4 because these write in order" },
   { "^barrier revert clone:clean$", dropped },
   { "^barrier revert rename:revision>clean$", dropped },
   { "^barrier defrag rewrite:clean$", "the image that comes back has the same content" },
   { "^swap defrag rewrite:clean / ~", "the precache is a copy of the image before, which has the same content" },
   { "^barrier remove sync_dir$", rare },
   { "^swap remove sync_dir / rename:entry>mark$", rare },
   { "^swap remove sync_dir / ~sync_dir$", rare },
   { "^swap remove sync_dir / ~remove_dir$", rare },
   { "^swap rename ~unlink:mark / ~unlink:mark%+clone:precache$",
      "the mark of the new name means nothing once that is registered; the other step makes a cache" },
   { "^swap resize clone:clean / ~",
      "the cleanup is about the precache, and one that is not of this size is not used" },
   { "^swap %S+ ~%S*unlink%S* / ~write:entry$",
      "what is cleaned up may be there without what was noted of it; it was to go" },
   { "^swap stop unlink / ~unlink", "the cleanup takes a second name from the committed image, or a precache" },
   { "^swap stop unlink / ~clone:precache$", "the committed image, of which it is a copy, does not change" },
   { "^swap %S+ %S*[>:]clean / ~clone:precache$", "the precache would be that of the image before, whose "
      .. "time it has: the next start would not use it" },
}

--- Why nobody can notice a variant; nil: somebody should.
-- @tparam string name of `mutants.list`
function harmless.reason(name)
   for _, item in ipairs(reasons) do
      if name:find(item[1]) then
         return item[2]
      end
   end
end

return harmless
