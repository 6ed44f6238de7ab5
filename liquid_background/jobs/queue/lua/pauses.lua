-- What is paused: queues, source names or what such names begin with, groups; and everything, by RQ's own suspend.
-- A claim passes a paused queue over, and takes the group of a paused group for full. A job of a paused name that comes up
-- for a claim is held: RQ's status deferred, in a sorted set of that name and the job's queue, in the order in which they
-- came. HELD says which names have such sets. What it names and nothing pauses comes back: a claim takes that before the
-- queue. So to resume is one write, whatever number is held, and pauses that are lost lose no job.

local paused_now  -- false when nothing is paused or held
local first_place, last_place  -- of held jobs that were given out

local function held_in(name, queue)
  return HELD .. ':' .. name .. ':' .. queue
end

-- Return what is paused, by kind, and what held.lua does about it; nil when nothing is, and nothing is held.
local function pauses()
  if paused_now ~= nil then return paused_now or nil end
  paused_now = false
  -- It raises for a user who may see only a site's keys: such a one is not asked to obey what concerns all sites.
  if redis.pcall('EXISTS', PAUSES, HELD, 'rq:suspended') == 0 then return nil end
  -- include: held
  local found = {queue = {}, name = {}, group = {}, beginnings = {}, pause_of = pause_of, has_paused = has_paused, hold = hold}
  found.suspended = redis.pcall('EXISTS', 'rq:suspended') == 1
  if on('HLEN', PAUSES) > 2 * MOST_PAUSES then set_aside(PAUSES, 'a pause') end  -- more than that were planted
  for _, paused in ipairs(redis.call('HKEYS', PAUSES)) do
    local kind, name = string.match(paused, '^(%l+):(.+)$')
    if kind == 'queue' or kind == 'name' or kind == 'group' then found[kind][name] = true end
    if kind == 'name' and string.sub(name, -1) == '*' then
      found.beginnings[#found.beginnings + 1] = string.sub(name, 1, -2)
    end
  end
  paused_now = found
  return found
end
