--- What `byre help TOPIC` says: what several verbs have in common, on one screen each.
-- @module byre.command.topics
local topics = {}

topics.list = {
   { name = "kinds", summary = "What a volume keeps, and what it begins with", text = [[
A volume is one disk image. Two questions make its kind: does it begin with the
content of another volume, its source, at each start? Is what was written kept at
the stop?

   origin            keeps what is written
                        byre create VID --size 10G
   snapshot          its source's content at each start
                        byre create VID --source VID
   origin_snapshot   the same, and what was written becomes a revision
                        byre create VID --source VID --save
   volatile          empty at each start
                        byre create VID --size 1G --volatile

A source is an origin or an origin_snapshot of the same pool. byre list --tree shows
what starts from what.]] },
   { name = "states", summary = "What STATE means, and what to do after a crash", text = [[
   stopped    no session
   dirty      a session that the next stop commits
   started    a session that the next stop drops
   running    somebody has the session's image open for writing at this moment
   outdated   stands behind another state: the source has newer content by now

A dirty volume that nobody uses is what a crash leaves. Its image is whole:
   byre start VID             goes on with the session
   byre stop VID              commits what was written
   byre stop --discard VID    drops it]] },
   { name = "history", summary = "How history comes to be, and how it goes", text = [[
A stop makes what was committed before it the newest revision; so do a revert and an
import. byre snapshot makes one now, also while the volume runs.
VID@REV names one: byre clone VID@3 NEW, byre export VID@3 FILE.

byre revert VID [REV] makes one the content again. What it replaces becomes the newest
revision, so byre revert VID undoes a revert; only --discard loses something, and asks.

The oldest go when there are more than revisions_to_keep, or when a policy says so:
byre help policies. A hold (byre hold VID REV) keeps one from all of that. Once
byre config trash=2d is said, what goes can be had back: byre restore VID@REV.]] },
   { name = "policies", summary = "Which revisions are kept, and how to find out before", text = [[
A policy is a file of Lua that says what you want to be able to go back to:
   return policy { keep.last(3), keep.daily(7), keep.weekly(4), keep.monthly(12) }

   byre policy check FILE              does it load?
   byre policy simulate FILE --for 1y  what would it keep of a year?
   byre policy set FILE                use it for the pool; --for 'vm/*' for some
   byre prune --explain                what becomes of each revision, and why
   byre prune                          remove what goes; a new policy wants --confirm

No policy removes the newest revision, or one that is held, in use, or very young.]] },
   { name = "plans", summary = "What -n shows", text = [[
-n (--dry-run) shows what a verb would do, and does nothing. A plan is a list of steps
in numbered phases: all steps of a phase are on the disk before the next one begins.

   stop "vm/disk"
     1  sync    disk-dirty.img
     2  link    disk.img        -> disk.img.4@2026-11-22T18:00:00Z
        rename  disk-dirty.img  -> disk.img
     3  unlink  disk.img.3@2026-11-21T09:00:00Z

After a power cut the volume is as before the commit, or as after it. What is removed
is removed last.]] },
   { name = "output", summary = "Exit codes, JSON, environment", text = [[
Exit codes:
   0 done   1 failed   2 the command line is wrong   3 some of several volumes failed
   10 no such pool   11 another process holds the lock   130 interrupted

Results are on standard output, all else on standard error.
   --json   sizes in bytes, times in RFC 3339, stable keys
   -H       lines with tabs, exact numbers, no header; - for nothing

Sizes are bytes, or numbers with K, M, G, T (by 1024): 10G, 1.5GiB.
BYRE_POOL is the pool where -p is not said. NO_COLOR forbids colours.]] },
}

--- A topic by its name.
-- @tparam ?string name
-- @treturn ?table `name`, `summary`, `text`
function topics.find(name)
   for _, topic in ipairs(topics.list) do
      if topic.name == name then
         return topic
      end
   end
end

--- All topics, a line each.
-- @treturn string
function topics.overview()
   local lines = {}
   for i, topic in ipairs(topics.list) do
      lines[i] = ("   %-12s %s"):format(topic.name, topic.summary)
   end
   return table.concat(lines, "\n")
end

return topics
